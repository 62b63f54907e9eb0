"""Estimate how many requests, tokens and dollars paraphrases take, without asking a server."""

from pathlib import Path

from workflow_scripts.config.vqa import ParaphraseRequestSettings
from workflow_scripts.models.chat.cost_estimate import Estimate
from workflow_scripts.models.chat.prices import find_price, text_tokens
from workflow_scripts.models.chat.prompt_files import Prompt
from workflow_scripts.vqa.paraphrase.prompts import PROMPT_KEY, SECTION

# A question, its protected terms, and perhaps an answer; and the reply.
_FILLED_TOKENS, _REPLY_TOKENS = 70, 45


def estimate(num_questions: int, settings: ParaphraseRequestSettings) -> Estimate:
    """Estimate the cost of so many questions, each asked for once."""
    price = find_price(
        settings.model,
        section=SECTION,
        input_usd_per_million=settings.input_usd_per_million,
        output_usd_per_million=settings.output_usd_per_million,
        max_cost_usd=None,
    )
    file = Prompt.read(Path(settings.prompt), kind="paraphrase", key=PROMPT_KEY)
    prompt_tokens = text_tokens(file.template)
    tokens = num_questions * (prompt_tokens + _FILLED_TOKENS), num_questions * _REPLY_TOKENS
    usd = price.usd(input_tokens=tokens[0], output_tokens=tokens[1])
    return Estimate(num_questions, *tokens, usd)
