"""The answer of a model without what models put around it: reasoning, fences, answer tags."""

import re

# Words and signs with which models mark their reasoning: <think>, [THINK], ◁think▷, <|think|>.
_NAMES = r"(?:seed:)?(?:think|thinking|thought|thoughts|reasoning|reflection|analysis)"
_OPEN = rf"(?:<\|?{_NAMES}\|?>|\[{_NAMES}\]|◁{_NAMES}▷)"
_CLOSE = rf"(?:</{_NAMES}>|<\|?/{_NAMES}\|?>|\[/{_NAMES}\]|◁/{_NAMES}▷)"
_REASONING_END = re.compile(rf".*{_CLOSE}", re.DOTALL | re.IGNORECASE)
_REASONING = re.compile(rf"{_OPEN}.*?{_CLOSE}", re.DOTALL | re.IGNORECASE)
_REASONING_START = re.compile(rf"{_OPEN}.*", re.DOTALL | re.IGNORECASE)
# The channels of gpt-oss, whose last one is the answer.
_CHANNEL = re.compile(r".*<\|channel\|>\s*final\s*<\|message\|>", re.DOTALL)
_END_TOKEN = re.compile(r"(?:<\|(?:end|return|im_end|eot_id|endoftext|end_of_text)\|>\s*)+$")
_WRAPPED = re.compile(
    r"\s*(?:<answer>(.*)</answer>|<\|begin_of_box\|>(.*)<\|end_of_box\|>)\s*", re.DOTALL
)
_FENCE = re.compile(
    r"(?:^|\n)[ \t]*(`{3,}|~{3,})[ \t]*[\w+-]*\s*?\n(.*?)(?:\n[ \t]*\1|$)", re.DOTALL
)


def unwrapped(content: str) -> str:
    """Return the answer in a content: without reasoning, tags around it, and a fence."""
    text = without_reasoning(content).lstrip("\ufeff")
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped:
        text = next(group for group in wrapped.groups() if group is not None)
    fenced = _FENCE.findall(text)
    return (fenced[0][1] if len(fenced) == 1 else text).strip()


def without_reasoning(text: str) -> str:
    """Return a text without the model's reasoning.

    Templates that write the opening tag into the prompt leave only the closing one in the reply:
    all before it is reasoning. An opening tag without a closing one has reasoning to the end.
    """
    text = _CHANNEL.sub("", _END_TOKEN.sub("", text), count=1)
    leading = _REASONING.sub("", text)
    leading = _REASONING_END.sub("", leading, count=1)
    return _REASONING_START.sub("", leading).strip()
