"""Reasoning: the steps from what was measured to an answer, in sentences and equations.

A family of questions has a writer of its steps, or a reason why it has none. The numbers of a
text follow from one another as they are printed; see `numbers`. Nothing is drawn at random, so
that questions are the same with and without steps. Writers that need the limits of a family get
them as arguments: families import this package, which imports none of them.
"""

from workflow_scripts.vqa.reasoning.numbers import DIGITS, InsufficientDigitsError
from workflow_scripts.vqa.reasoning.question_instance import (
    NoReasoning,
    QuestionInstance,
    StepWriter,
)


def reasoning_steps(writer: StepWriter | NoReasoning, question: QuestionInstance) -> str:
    """Return the steps to the answer of a question, '' if there are none.

    More digits are printed where fewer do not support the answer; if no number of digits does,
    there are no steps.
    """
    if isinstance(writer, NoReasoning):
        return ""
    for digits in DIGITS:
        try:
            return " ".join(writer(question, digits))
        except InsufficientDigitsError:
            continue
    return ""
