"""Take off a reply what is no word of it: thinking, tags, tokens of a chat, Markdown."""

import re
import unicodedata

from workflow_scripts.evaluate.json_answer import json_answer
from workflow_scripts.evaluate.latex_text import boxed_answer, latex_to_text, with_unit_behind

# Full-width letters, digits and signs, and what looks like an apostrophe, a quote or a space.
_VARIANTS = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | str.maketrans(
    {
        **dict.fromkeys("’‘ʼ´", "'"),
        **dict.fromkeys("“”„", '"'),
        **dict.fromkeys("\u00a0\u2007\u2008\u2009\u200a\u202f\u3000", " "),
        **dict.fromkeys("\u200b\u200e\u200f\u2060\ufeff", ""),
        "。": ".",
        "、": ",",
        "⁄": "/",
    }
)
_think = r"(?:think|thinking|thought|thoughts|reasoning|reflection|analysis)"
_THINKING = re.compile(
    rf"[<◁\[]{_think}[>▷\]].*?(?:[<◁\[]/{_think}[>▷\]]|$)", re.IGNORECASE | re.DOTALL
)
_END_OF_THINKING = re.compile(rf"[<◁\[]/{_think}[>▷\]]", re.IGNORECASE)
_tags = "answer|final_answer|final|choice|option|result|response|solution|conclusion|box|point"
# Boxes around an answer; those that a model writes around coordinates hold several numbers.
_BOXES = (
    re.compile(rf"<({_tags})>(.*?)(?:</\1>|$)", re.IGNORECASE | re.DOTALL),
    re.compile(r"<\|(begin_of_(?:box|answer)|box_start)\|>(.*?)(?:<\|[a-z_]+\|>|$)", re.DOTALL),
)
_COORDINATES = re.compile(r"[-\d.]+\s*%?\s*[,;\s]\s*[-\d.]+")
_TOKENS = re.compile(
    r"<\|[^|<>]{1,40}\|>|</?(?:s|eos|bos|pad|unk|box|point|ref|quad|end_of_turn|start_of_turn)>"
    r"|\[/?INST\]"
)
_HTML = re.compile(r"</?(?:b|i|u|p|em|strong|span|div|code|pre|li|ul|ol|h[1-6])>", re.IGNORECASE)
_FENCE = re.compile(
    r"```[ \t]*(?:(?:json\w*|python|py|te?xt|plaintext|latex|tex|ya?ml|xml|html|markdown|md)\b)?",
    re.IGNORECASE,
)
# A box may hold JSON, and JSON a box; nothing holds more.
MAX_LAYERS = 4
MAX_CHARACTERS = 4000
_REPEATED_SIGN = re.compile(r"([^\w.])\1{9,}")
# No float is so large; so many digits cost time and mean nothing.
_ENDLESS_NUMBER = re.compile(r"\d{311,}")


def normalize_text(text: str) -> str:
    """Return a text without typographic variants, Markdown emphasis and outer space."""
    text = unicodedata.normalize("NFC", text).translate(_VARIANTS)
    text = re.sub(r"<sup>\s*2\s*</sup>", "²", re.sub(r"<br\s*/?>", "\n", text))
    text = _HTML.sub("", _FENCE.sub("\n", text))
    return re.sub(r"\*\*|__|`", "", text).strip()


def without_thinking(text: str) -> str:
    """Return a reply without its thinking, whose opening tag may stand in the prompt."""
    text = _THINKING.sub("", text)
    # A tag that ends the reply closes nothing: what was said before it is the answer.
    parts = [part.strip() for part in _END_OF_THINKING.split(text)]
    return next((part for part in reversed(parts) if part), "")


def plain_text(text: str) -> str:
    r"""Return what a reply states, in plain text.

    Thinking is removed. Of answers in tags or boxes (<answer>, \boxed{}, <|begin_of_box|>) the
    last counts, then the answer in JSON; LaTeX becomes plain text. Of a reply of more than
    `MAX_CHARACTERS` the beginning and the end are kept.
    """
    text = _shortened(without_thinking(normalize_text(text)))
    for _ in range(MAX_LAYERS):
        inner = _in_tags(text) or boxed_answer(text) or json_answer(text)
        if inner is None or not inner.strip():
            break
        text = inner.strip()
    return latex_to_text(_TOKENS.sub(" ", text)).strip()


def _shortened(text: str) -> str:
    """Leave out the middle of what a model says that does not stop."""
    text = _REPEATED_SIGN.sub(r"\1\1\1", _ENDLESS_NUMBER.sub("9" * 310, text))
    half = MAX_CHARACTERS // 2
    return text if len(text) <= MAX_CHARACTERS else f"{text[:half]}\n{text[-half:]}"


def _in_tags(text: str) -> str | None:
    found = [match for pattern in _BOXES for match in pattern.finditer(text) if match[2].strip()]
    answers = [match for match in found if not _is_around_coordinates(match)]
    chosen = answers[-1:] or found[:1]
    return with_unit_behind(chosen[0][2], text[chosen[0].end() :]) if chosen else None


def _is_around_coordinates(match: re.Match[str]) -> bool:
    """Say whether this is the box of an object, of which a reply may name several."""
    is_box = match[1].lower() in ("box", "point", "box_start")
    return is_box and bool(_COORDINATES.search(match[2])) and not re.search("[A-Za-z]", match[2])
