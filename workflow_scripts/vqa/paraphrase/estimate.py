"""Say how many requests, tokens and dollars paraphrases take, without asking anybody."""

from pathlib import Path

from workflow_scripts.models.chat.cost_estimate import Estimate
from workflow_scripts.models.chat.prices import find_price, text_tokens
from workflow_scripts.models.chat.prompt_files import Prompt
from workflow_scripts.vqa.paraphrase.options import PROMPT_KEY, Options

# A question, the names to keep, and perhaps an answer; and what comes back.
_FILLED_TOKENS, _REPLY_TOKENS = 70, 45


def estimate(
    num_questions: int,
    *,
    model: str,
    prompt: Path,
    input_usd_per_million: float | None = None,
    output_usd_per_million: float | None = None,
) -> Estimate:
    """Estimate the cost of so many questions, each asked for once."""
    price = find_price(
        model,
        section=Options.section,
        input_usd_per_million=input_usd_per_million,
        output_usd_per_million=output_usd_per_million,
        max_cost_usd=None,
    )
    file = Prompt.read(prompt, kind="paraphrase", key=PROMPT_KEY)
    prompt_tokens = text_tokens(file.template)
    tokens = num_questions * (prompt_tokens + _FILLED_TOKENS), num_questions * _REPLY_TOKENS
    usd = price.usd(input_tokens=tokens[0], output_tokens=tokens[1])
    return Estimate(num_questions, *tokens, usd)
