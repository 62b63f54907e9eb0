"""Read numbers and quantities from what a model said, in digits or in words, with or without units.

Metric and imperial lengths, areas and angles come back in SI units or degrees. A range ("1 to
2 m", "between one and two metres") counts as its middle, and the first quantity of a text is
taken: a reply states its answer first or marks it (`answer_parsing.final_answer`).
"""

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from workflow_scripts.common.units import FOOT_M, INCH_M, UNITS, Dimension

_UNITS: dict[str, tuple[Dimension, float]] = {
    word: (unit.dimension, unit.size) for unit in UNITS for word in (*unit.words, *unit.signs)
}
# After feet come inches, after metres centimetres: "5 ft 6 in", "1 m 20 cm".
_SUBUNITS = {FOOT_M: INCH_M, 1.0: 0.01}

_SMALL_NAMES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS_NAMES = "twenty thirty forty fifty sixty seventy eighty ninety"
NAMES_BELOW_20, _TENS = _SMALL_NAMES.split(), _TENS_NAMES.split()
_VALUES = {word: number for number, word in enumerate(NAMES_BELOW_20)} | {
    word: 10 * number for number, word in enumerate(_TENS, start=2)
}
_SCALES = {"hundred": 100, "thousand": 1000}
_FRACTION_SIGNS = {
    sign: unicodedata.normalize("NFKC", sign).replace("⁄", "/") for sign in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
}
# Typographic primes and quotes, as feet and inches are written with them.
_PRIMES = str.maketrans({**dict.fromkeys("′’‘ʹ´", "'"), **dict.fromkeys("″”“ʺ", '"')})
_FRACTION_WORDS = {"a half": 0.5, "one half": 0.5, "a quarter": 0.25, "three quarters": 0.75}


def _words_of(*sizes: float) -> list[str]:
    """Return the words and signs of the lengths of these sizes."""
    units = [unit for unit in UNITS if unit.dimension == "length" and unit.size in sizes]
    return [word for unit in units for word in (*unit.words, *unit.signs)]


_words_of_units = "|".join(
    re.escape(word).replace(r"\ ", r"(?:\.\s*|\s+)")
    for word in sorted((word for unit in UNITS for word in unit.words), key=len, reverse=True)
)
_signs = "|".join(sign for unit in UNITS for sign in unit.signs)
_unit = rf"(?:(?:{_words_of_units})(?![\w²°^])|(?:{_signs}))"
_decimal = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_feet_or_metres = "|".join(_words_of(*_SUBUNITS))
_inches_or_centimetres = "|".join(_words_of(*_SUBUNITS.values()))
_value = "|".join((*NAMES_BELOW_20, *_TENS))
_WORDS = re.compile(
    rf"\b(?:(?:{_value})|an?(?=[\s-]+(?:hundred|thousand)))"
    rf"(?:[\s-]+(?:{_value}|hundred|thousand|(?:(?<=hundred )|(?<=thousand ))and))*"
    rf"(?:\s+point(?:\s+(?:{'|'.join(NAMES_BELOW_20[:10])}))+)?\b",
    re.IGNORECASE,
)
_fractions = "|".join(_FRACTION_WORDS)
_QUANTITY = re.compile(
    rf"(?<![\w.,/])(?P<sign>-?)(?P<low>{_decimal})"
    rf"(?:\s*(?:(?P<low_unit>{_unit})\.?)?\s*(?:-|–|—|~|\bto\b|\band\b|\bor\b)"
    rf"\s*(?P<high>{_decimal}))?"
    rf"(?:\s*(?:±|\+/-)\s*{_decimal})?[\s-]*(?P<unit>{_unit})",
    re.IGNORECASE,
)
# What may stand between feet and inches: "5 ft. 3 in", "5' & 3\"", "5-ft-3-in".
_between = r"(?:[\s.,;:&+-]|\band\b|\bplus\b)*"
_SUBUNIT_QUANTITY = re.compile(
    rf"{_between}(?P<number>{_decimal})[\s-]*(?P<unit>{_unit})", re.IGNORECASE
)
# "5'3", "5 foot 3", "1 m 20", "1m20": nothing but the subunit can be meant.
_at_end = r"(?=\s*$|\s*[.,;)\n](?!\d))"
_BARE_INCHES = re.compile(rf"[\s-]*(?P<number>{_decimal}){_at_end}")
_BARE_CENTIMETRES = re.compile(rf"\s*(?P<number>\d\d){_at_end}")
_GLUED = re.compile(
    rf"(\d\s*(?:{_feet_or_metres})\.?)(?=\d+(?:\.\d+)?\s*(?:{_inches_or_centimetres})(?!\w)"
    r"|(?<=m)\d\d(?!\w))",
    re.IGNORECASE,
)
_NUMBER = re.compile(rf"(?<![\w.,/])-?{_decimal}(?![\w²])", re.IGNORECASE)
_POWER_OF_TEN = re.compile(
    r"(?<![\w.])(\d+(?:\.\d+)?)\s*[×x*·]\s*10\s*(?:\^|\*\*)\s*[({]?\s*([+-]?\d{1,2})\s*[)}]?"
)
# "1 500 mm": spaces between thousands, where only a unit follows.
_SPACED_THOUSANDS = re.compile(
    rf"(?<![\w.,/])\d{{1,3}}(?:\s\d{{3}})+(?=(?:[.,]\d+)?\s?{_unit})", re.IGNORECASE
)


@dataclass(frozen=True)
class Quantity:
    """A value in metres, square metres or degrees, with its bounds if the text gives a range."""

    value: float
    low: float
    high: float


def number_words_to_digits(text: str) -> str:
    """Rewrite every number of a text in plain digits with a decimal point.

    "twenty-one" -> "21", "two and a half metres" -> "2.5 metres", "half a metre" -> "0.5 metre",
    "2 1/2" -> "2.5", "1,5" -> "1.5"; a comma before three digits separates thousands, any other
    comma between digits is decimal. An article before a unit is a one. Primes become ' and ", and
    what is glued together is taken apart: "1m20cm" -> "1m 20cm", "1.5 (m)" -> "1.5 m".
    """
    text = text.translate(_PRIMES).replace("⁄", "/")
    text = _POWER_OF_TEN.sub(r"\1e\2", text)
    text = _SPACED_THOUSANDS.sub(lambda match: re.sub(r"\s", "", match[0]), text)
    text = re.sub(r"(?<=\d)(\s?)''(?!')", r'\1"', text)
    for sign, fraction in _FRACTION_SIGNS.items():
        text = text.replace(sign, f" {fraction}")
    text = re.sub(r"(?<=[\s(])[−–](?=\d)|^[−–](?=\d)", "-", text)
    text = re.sub(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])", lambda m: m[0].replace(",", ""), text)
    text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    # Nine digits at most: what a model that cannot stop says may be longer than Python divides.
    integer, digits = r"(?:(\d{1,9})\s+)?", r"(\d{1,9})"
    text = re.sub(rf"(?<![\d.]){integer}{digits}/{digits}(?![\d/])", _fraction, text)
    text = re.sub(r"(?<![\w.])\.(?=\d)", "0.", text)
    text = _GLUED.sub(r"\1 ", text)
    text = re.sub(rf"(?<=\d)\s*[(\[]\s*({_unit})\s*[)\]]", r" \1", text, flags=re.IGNORECASE)
    text = _WORDS.sub(lambda match: f"{_parse_number_words(match[0].lower()):g}", text)
    articles = rf"\ban?\s+(?={_unit})(?<!half a )(?<!half an )(?<!of a )(?<!of an )"
    text = re.sub(articles, "1 ", text, flags=re.IGNORECASE)
    with_unit = rf"({_decimal})((?:\s+(?:{_unit}))?)\s+and\s+({_fractions})\b"
    text = re.sub(with_unit, _add_fraction, text, flags=re.IGNORECASE)
    for words, value in (("half", 0.5), (r"(?:a|1)\s+quarter", 0.25), (r"3\s+quarters", 0.75)):
        of = rf"\b{words}(?:\s+of)?\s+(?:an?\s+)?(?=(?:{_unit}))"
        text = re.sub(of, f"{value} ", text, flags=re.IGNORECASE)
    return text


def _fraction(match: re.Match[str]) -> str:
    denominator = int(match[3])
    if not denominator:
        return match[0]
    return f"{int(match[1] or 0) + int(match[2]) / denominator:.6g}"


def _add_fraction(match: re.Match[str]) -> str:
    fraction = _FRACTION_WORDS[re.sub(r"\s+", " ", match[3].lower())]
    return f"{float(match[1]) + fraction:g}{match[2]}"


def _parse_number_words(text: str) -> float:
    integer, _, decimals = re.sub(r"[\s-]+", " ", text).partition(" point ")
    total, group = 0, 0
    for word in integer.split():
        if word in _SCALES:
            group = max(group, 1) * _SCALES[word]
            if word == "thousand":
                total, group = total + group, 0
        elif word in _VALUES:
            group += _VALUES[word]
    digits = "".join(str(_VALUES[word]) for word in decimals.split())
    return total + group + (float(f"0.{digits}") if digits else 0.0)


def find_quantities(text: str, dimension: Dimension) -> Iterator[Quantity]:
    """Yield every quantity of a dimension in a text, in order."""
    text = number_words_to_digits(text)
    start = 0
    while match := _QUANTITY.search(text, start):
        start = match.end()
        kind, size = _UNITS[_normalize_unit(match["unit"])]
        low_kind, low_size = _UNITS[_normalize_unit(match["low_unit"] or match["unit"])]
        low = float(match["low"])
        high = float(match["high"]) if match["high"] else None
        if high is not None and match["low_unit"] and _is_subunit(high, size, low, low_size):
            low = high = low * low_size + high * size
        elif high is not None:
            low, high = low * low_size, high * size
        else:
            subunit_value, start = _subunit(text, match.end(), low, size)
            low = high = (-1.0 if match["sign"] else 1.0) * (low * low_size + subunit_value)
        # "1e999 m" is no number that anybody means.
        if kind == low_kind == dimension and math.isfinite(low) and math.isfinite(high):
            low, high = sorted((low, high))
            yield Quantity((low + high) / 2, low, high)


def _subunit(text: str, start: int, number: float, size: float) -> tuple[float, int]:
    """Return the inches after feet or the centimetres after metres, and where they end."""
    match = _SUBUNIT_QUANTITY.match(text, start)
    if match:
        kind, subunit_size = _UNITS[_normalize_unit(match["unit"])]
        value = float(match["number"])
        if kind == "length" and _is_subunit(value, subunit_size, number, size):
            return value * subunit_size, match.end()
        return 0.0, start
    match = (_BARE_INCHES if size == FOOT_M else _BARE_CENTIMETRES).match(text, start)
    if match and _is_subunit(float(match["number"]), _SUBUNITS.get(size, 0.0), number, size):
        return float(match["number"]) * _SUBUNITS[size], match.end()
    return 0.0, start


def _is_subunit(number: float, subunit_size: float, count: float, size: float) -> bool:
    """Say whether this many inches or centimetres are the rest of whole feet or metres."""
    is_part = _SUBUNITS.get(size) == subunit_size and number * subunit_size < size
    return is_part and count.is_integer()


def _normalize_unit(unit: str) -> str:
    return re.sub(r"\.\s*|\s+", " ", unit.lower())


def parse_quantity(text: str, dimension: Dimension) -> float | None:
    """Return the first quantity of a dimension in SI units or degrees, None without one.

    A number without a unit is none: nobody can tell whether "86" means metres or centimetres.
    """
    match = next(find_quantities(text, dimension), None)
    return None if match is None else match.value


def parse_number(text: str) -> float | None:
    """Return the first number of a text whatever its unit, digits before words; else None."""
    match = _NUMBER.search(
        number_words_to_digits(text) if not re.search(r"\d", text) else _digits_only(text)
    )
    return float(match[0]) if match and math.isfinite(float(match[0])) else None


def _digits_only(text: str) -> str:
    return number_words_to_digits(_WORDS.sub("", text))


def contains_number(text: str) -> bool:
    """Say whether a reply to a question for a length holds a number (SpatialVLM's first score).

    Digits anywhere count; words only with a unit, for "the red one" holds no number.
    """
    signs = "".join(_FRACTION_SIGNS)
    return bool(re.search(rf"[\d{signs}]", text)) or any(
        True for dimension in ("length", "area", "angle") for _ in find_quantities(text, dimension)
    )
