r"""Turn LaTeX into plain text: "$1\frac{1}{2}\,\mathrm{m}$" is "1 1/2 m"."""

import math
import re

from workflow_scripts.common.units import UNITS

_SYMBOLS = {
    "approx": "≈", "sim": "≈", "simeq": "≈", "pm": "±", "times": "×", "cdot": "×",
    "circ": "°", "degree": "°", "textdegree": "°", "prime": "'", "percent": "%",
    "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥", "lt": "<", "gt": ">",
}  # fmt: skip
# Unit commands of the packages siunitx and units, and their prefixes.
_UNIT_COMMANDS = ("metre", "meter", "foot", "inch", "radian")
_PREFIXES = ("centi", "milli", "kilo", "square")
_unit_command = rf"(?:centi|milli|kilo|square )?(?:{'|'.join(_UNIT_COMMANDS)})s?"
_unit_words = "|".join(re.escape(word) for unit in UNITS for word in unit.words)
_spacing = r"(?:\s|\\[,;:! ]|\\q?quad|~|\$|\\(?:text|mathrm|mbox|rm)\s*\{?|\^\s*\{?)*"
_UNIT_BEHIND = re.compile(rf"{_spacing}({_unit_words}|\\circ)(?=[\s}}]*(?:$|[.,;)$\n]))")
_NUMBER_ALONE = re.compile(r"[\s$]*[-+]?[\d.,]+[\s$]*")
_number = r"\d+(?:\.\d+)?"


def latex_to_text(text: str) -> str:
    """Return a text without LaTeX commands, braces and dollar signs; other texts unchanged."""
    if "\\" not in text and "$" not in text:
        return re.sub(r"(?<=\d)~(?=[A-Za-z])", " ", text)
    # A line break that was escaped twice is no command.
    text = re.sub(r"\\n(?=[A-Z\s\\]|$)", "\n", text)
    text = re.sub(r"\\[\[\]()]|\$", " ", text)
    text = re.sub(r"\\!|\\(?:left|right|displaystyle|limits|big|Big)(?![A-Za-z])", "", text)
    text = re.sub(r"\\(?:[,;:>\s]|q?quad|thinspace|enspace|space|newline|\\)|~", " ", text)
    text = re.sub(r"\\[hv]space\*?\s*\{[^{}]*\}|\\(?:begin|end)\s*\{[^{}]*\}", " ", text)
    text = text.replace("{,}", ",").replace("{.}", ".")
    text = re.sub(r"\\(?:sqrt)\s*\{\s*(" + _number + r")\s*\}", _square_root, text)
    fraction = r"\\[dtc]?frac\s*(?:\{([^{}]*)\}\s*\{([^{}]*)\}|(\d)\s*(\d))"
    text = re.sub(r"(?<=\d)\s*(?=\\[dtc]?frac)", " ", text)
    text = re.sub(fraction, lambda m: f"{m[1] or m[3]}/{m[2] or m[4]}", text)
    text = re.sub(r"\\(?:SI|qty)\s*\{([^{}]*)\}\s*\{", r"{\1} {", text)
    text = re.sub(rf"\\({'|'.join(_PREFIXES)})\s*\\(?=[a-z])", _prefix, text)
    text = re.sub(rf"\\({_unit_command})\b", r"\1", text)
    text = re.sub(r"\\sqrt(?![A-Za-z])", "√", text)
    text = re.sub(r"\\([A-Za-z]+)\*?", lambda m: _SYMBOLS.get(m[1], ""), text)
    text = re.sub(r"\\([^A-Za-z\s])", r"\1", text).replace("\\", " ")
    # The square root of what is no plain number has no value here, so its braces stay.
    text = re.sub(r"(?<!√)\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"(?<!√)\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"\^\s*(?=[°'])", "", text)
    return text.strip()


def _square_root(match: re.Match[str]) -> str:
    return f"{math.sqrt(float(match[1])):.6g}"


def _prefix(match: re.Match[str]) -> str:
    return "\\" + match[1] + (" " if match[1] == "square" else "")


def boxed_answer(text: str) -> str | None:
    r"""Return what the last \boxed{} holds, braces inside it included; None without one.

    A box that is never closed reaches to the end of the text.
    """
    for match in reversed(list(re.finditer(r"\\(?:boxed|fbox|framebox)\s*\{", text))):
        content, end = _until_closing_brace(text, match.end())
        if content.strip():
            return with_unit_behind(content, text[end:])
    return None


def _until_closing_brace(text: str, start: int) -> tuple[str, int]:
    depth = 1
    for match in re.finditer(r"[{}]", text[start:]):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return text[start : start + match.start()], start + match.end()
    return text[start:], len(text)


def with_unit_behind(content: str, following: str) -> str:
    r"""Return what a box holds, with the unit that stands behind the box: "\boxed{1.5} m"."""
    unit = _UNIT_BEHIND.match(following)
    return f"{content} {unit[1]}" if unit and _NUMBER_ALONE.fullmatch(content) else content
