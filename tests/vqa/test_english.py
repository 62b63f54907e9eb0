"""No question, answer or step says what a native speaker would not, whatever the labels are."""

import re

import numpy as np
import pytest

from testing.vqa.houses import render_houses
from testing.vqa.scenes import DEFAULT_MARGINS, furnished_shard, view_contexts
from tests.vqa.generation import generate_for_shard
from workflow_scripts.common.seeds import rng
from workflow_scripts.vqa.batch import ReferringExpressions
from workflow_scripts.vqa.enumerate_questions import enumerate_batches
from workflow_scripts.vqa.families import FAMILIES, TWO_VIEW_FAMILIES
from workflow_scripts.vqa.question_types.base import ALL_FORMS
from workflow_scripts.vqa.reasoning import reasoning_steps
from workflow_scripts.vqa.reasoning.question_instance import QuestionInstance

SEEDS = (1, 2, 3)
# What nobody says, by what a person says instead.
UNIDIOMATIC = {
    "How tall is the sofa?": r"\bwhat value\b|\bwhat do you take\b|\bwhat do(es)? .* measure\b",
    "Which one is the vase resting on?": r"\bthe thing\b|\bwhat .* rests? on\b|\bcarr(y|ies)\b",
    "Is A resting on B?": r"\bis it (true|right)\b|\bdo you agree\b|\bcheck\b|\bsomeone says\b",
    "No, there is no pencil.": r"\bit is not so\b|\bthere is not an?\b|\bthat is (right|wrong):",
    "Yes, I'd say ...": r"\bone can say\b|\bi would\b|\bas far as i can see\b|\bindeed\b",
    "Seen from above, is A longer?": r"\bon (its|their) longer side\b|\balong the longer side\b",
    "Is the top of A lower?": r"\b(higher|lower) at the top\b",
    "second from the right, leftmost": r"\bnumber two\b|\bfirst from\b|\bfirst .* from the\b",
    "Which way is it facing?": r"\bwhere do(es)? .* look\b|\bhow (is|are) .* turned\b",
    "Are both marks on the same object?": r"\bmark the same\b|\bone and the same\b|\bseen twice\b",
    "Which picture was taken closer?": r"\bpicture's place\b|\bless far\b|\btaken nearer\b",
    "Seen from the first viewpoint": r"\bone sees\b|\bthe way goes\b|\bpicture (sees|looks)\b",
    "How far apart are the cameras?": r"\bstraight way\b|\bcamera's (two )?places?\b",
    "By what angle do they differ?": r"\blies? between\b|\bpictures look\b",
    "at which hour is B, seen from A?": r"\bon a clock whose\b|\bin which direction is it\b",
    "How much further left is A?": r"\bthe distance by which\b|\bwhat distance\b",
    "How many degrees left?": r"\bthe angle, on\b|\bmust the camera\b",
    "whose underside is highest": r"\bat the underside\b(?!, which)|\babove the floor at\b",
    "What is at the red mark?": r"\bplace of\b|\bshown as\b|\bwhich word\b|\byou see there\b",
    "It is about 12 degrees.": r"\bcomes? to\b|\bi make it\b|\bmy estimate\b",
    "The fridge is the widest.": r"^it is .* that (is|are)\b|^it is .* which\b",
    "What is the floor area?": r"\bgive the (size|number|distance|angle|place|height|width)\b",
    "A and B are equally tall.": r"\b(about|not) the same (height|width)\b|\bnot the same size\b",
    "are different sizes; not facing": r"\btake up\b|\bturned towards\b",
    "Point to the painting.": r"\bwhich point of\b|\bat which point\b|\bwhich part of\b",
    "Is A inside B?": r"\bcontains?\b",
    "Which is farther away?": r"\bin this room, which\b|\bin the real room\b",
    "kitchen counter": r"\bcountertops?\b|\btrash can\b",
    "The sofa is 1.70 m wide.": r"\bfrom one side\b|\bmeasures? (from|\d)",
    "American spelling": r"metres?\b|\bcentres?\b|\bcolours?\b|\bgrey\b|\bcounter-clockwise\b",
    "the other way around": r"\bway round\b|\bbeside the way\b|\bend of the way\b",
    "closest, farthest": r"\bnearest (to|points?)\b|\bnearer\b|\bfurther (from|away)\b",
    "Count the chairs.": r"\bplease\b|\btell me how\b|\btell me which\b|\bsay (which|whether)\b",
}
COMMANDS = re.compile(r"(Point|Give|Locate|Draw|Count|Estimate)\b")
PLURAL_NOUNS = ("curtains", "scissors", "jeans", "wooden chairs", "glasses")
SINGULAR_NOUNS = ("pair of boots", "umbrella", "kitchen counter", "bus", "glass")
# A noun straight after these is the subject of the verb that follows it.
_SUBJECT = r"(?:^|[.?:,] |\b(?:that|whether|say|so|one|how \w+) )the "


def agreement_errors(text: str, nouns: tuple[str, ...], *, plural: bool) -> list[str]:
    """Return where a verb does not agree with a noun before or after it."""
    noun = "|".join(map(re.escape, nouns))
    after = "is|isn't|does|has|covers|faces" if plural else "are|aren't|do|have|cover|face"
    before = "is|does|has|isn't" if plural else "are|do|have|aren't"
    found = re.findall(rf"{_SUBJECT}(?:{noun}) (?:{after})\b", text, re.IGNORECASE)
    return found + re.findall(rf"\b(?:{before}) the (?:{noun})\b(?!,| and)", text, re.IGNORECASE)


def mistakes(text: str, *, is_question: bool = False) -> list[str]:
    """Return what is wrong with a sentence: unidiomatic words, articles, spaces, signs."""
    found = [
        f"{pattern} (say: {better})"
        for better, pattern in UNIDIOMATIC.items()
        if re.search(pattern, text, re.IGNORECASE)
    ]
    if re.search(r"\ba [aeiou](?!ni|ne |\b)", text) or re.search(r"\ban (?!hour)[^aeiou\W]", text):
        found.append("a or an")
    if re.search(r"  | [,.?]|\.\.|,,|\bthe the\b|[{}]", text):
        found.append("spaces or signs")
    if not re.match(r"[A-Z(<0-9√∛-]", text) or re.search(r"(?<!\b[A-D])[.?] [a-z]", text):
        found.append("a sentence without a capital")
    if is_question and not (
        COMMANDS.match(text) or re.search(r"\?( A: .*\.)?( Answer .*)?$", text)
    ):
        found.append("no question mark")
    return found


def renamed(number: int, nouns: tuple[str, ...], *, plural: bool) -> ReferringExpressions:
    names = [nouns[row % len(nouns)] for row in range(number)]
    return ReferringExpressions([f"the {noun}" for noun in names], names, [plural] * number)


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return (
        furnished_shard(tmp_path_factory.mktemp("room")),
        render_houses(tmp_path_factory.mktemp("house"), "generate", 0, 1),
    )


@pytest.fixture(scope="module")
def contexts(shards):
    return [context for path in shards for context in view_contexts(path)[:1]]


def enumerated_sentences(contexts, form):
    """Yield (family, nouns, are plural, questions, answers, steps) in every phrasing."""
    for seed in SEEDS:
        for context in contexts:
            marks = {form: {f"colour{row}": row for row in range(len(context))}}
            kinds = [(None, False)]
            if form == "named":
                kinds += [(PLURAL_NOUNS, True), (SINGULAR_NOUNS, False)]
            for one in enumerate_batches(
                context, DEFAULT_MARGINS, seed=seed, form=form, marks=marks, multiple_choice=True
            ):
                rows = np.arange(max(len(one.batch.questions), len(one.batch.answers)))
                for nouns, plural in kinds:
                    names = one.expressions
                    if nouns and not one.family.name.endswith("grounding"):
                        names = renamed(len(context), nouns, plural=plural)
                    texts = one.batch.write(
                        rows % len(one.batch), names, rng(seed, "english"), limit=None
                    )
                    instance = QuestionInstance(context, one.batch, 0, names)
                    steps = reasoning_steps(one.family.reasoning, instance)
                    yield one.family.name, nouns, plural, *texts, steps


@pytest.mark.parametrize("form", ALL_FORMS)
def test_every_sentence_is_what_a_person_says(contexts, form):
    seen = set()
    for family, nouns, plural, questions, answers, steps in enumerated_sentences(contexts, form):
        seen.add(family)
        for text in set(questions):
            assert not mistakes(text, is_question=True), (family, text)
        for text in {*answers, steps} - {""}:
            assert not mistakes(text), (family, text)
        for text in {*questions, *answers, steps} if nouns else ():
            assert not agreement_errors(text, nouns, plural=plural), (family, text)
    assert seen == {family.name for family in FAMILIES if form in family.forms}


def test_two_views_are_spoken_of_as_a_person_does(shards, tmp_path):
    questions, _ = generate_for_shard(
        shards[0],
        tmp_path / "procthor",
        questions_per_view=1,
        questions_per_pair=100,
        answer_style="sentence",
        with_reasoning=True,
    )
    pairs = [question for question in questions if question.images]
    assert {question.family for question in pairs} == {one.name for one in TWO_VIEW_FAMILIES}
    for question in pairs:
        assert not mistakes(question.question, is_question=True), question.question
        assert not mistakes(question.answer), question.answer
        assert not question.reasoning or not mistakes(question.reasoning), question.reasoning


@pytest.mark.parametrize("family", [*FAMILIES, *TWO_VIEW_FAMILIES], ids=lambda one: one.name)
def test_no_template_has_words_that_nobody_says(family):
    for name, templates in family.templates.items():
        for text in templates.texts:
            wrong = [one for one in mistakes(re.sub(r"\{\w+\}", "X", text)) if "say:" in one]
            assert not wrong, (name, text)


@pytest.mark.parametrize(
    "text",
    [
        "What value does the height of the sofa have?",
        "No, it is not so: there is not a pencil in the picture.",
        "Choose the one that is the thing that carries the vase: a, b or c.",
        "It comes to 12 degrees.",
        "It is the fridge that is the widest.",
        "Is there a apple in the picture?",
        "The sofa is  1.70 m wide.",
        "the sofa is 1.70 m wide.",
    ],
)
def test_mistakes_are_found(text):
    assert mistakes(text)
    assert agreement_errors("Yes, the curtains is wide.", PLURAL_NOUNS, plural=True)
    assert agreement_errors("Are the umbrella wide?", SINGULAR_NOUNS, plural=False)
