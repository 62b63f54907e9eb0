"""Find which letters of a multiple choice a reply states, however it words them."""

import re
from collections.abc import Sequence
from functools import lru_cache

# "A" and "I" before a word are an article and a pronoun, except before these.
_CONNECTIVES = (
    "because|since|as|is|was|for|due|given|would|the|an|it|this|that|and|or|but|so|seems|must|has"
)
_SAID = (
    r"\b(?:choose|chose|pick(?:ed)?|select(?:ed)?|go(?:ing)?\s+with|say|guess|therefore|thus|hence"
    r"|so|conclude|prefer)\b[\s,:]*(?:(?:that\s+)?it\s+is|it's|that|is)?\s*"
)
_NAMED = (
    r"\b(?:answer|option|choice|letter|alternative)\s*"
    r"(?:is|are|(?:would|should|must)\s+be|[:=-])?\s*"
)
_IT_IS = (
    r"\b(?:it|that|this|which|must|should|would)\s*(?:is|'s|be)\s+"
    r"(?:(?:therefore|clearly|likely|probably|definitely|most\s+likely|indeed)\s+)?"
)
_NOT = (
    r"\b(?:not|never|nor|than|neither|n't|exclud\w+|rul\w+\s+out|eliminat\w+|instead\s+of"
    r"|rather\s+than|unlike)\s+(?:be\s+)?"
)
_WORD = r"(?:(?:option|choice|answer|letter)\s+)?"
_OPEN, _CLOSE = r"[(\[\"'*_]*", r"[)\]\"'*_]*+"
UNKNOWN = "?"


@lru_cache(maxsize=64)
def letter_grammar(letters: tuple[str, ...]) -> "LetterGrammar":
    """Return the grammar of these letters."""
    return LetterGrammar(letters)


class LetterGrammar:
    """How the letters of one question can be stated."""

    def __init__(self, letters: Sequence[str]) -> None:
        self._letters = list(letters)
        letter = "|".join(re.escape(candidate) for candidate in letters)
        article = rf"(?!(?<=[AI])[ \t]+(?!(?i:{_CONNECTIVES})\b)\w)"
        lone = rf"{_OPEN}(?<![\w-])(?<!\w')({letter})(?!'?\w|-){article}{_CLOSE}"
        other = rf"{_OPEN}(?:{letter})(?![\w'-]){_CLOSE}"
        listed = rf"(?!\W+(?:or|and)\W+(?i:{_WORD}){other})"
        in_no_list = (
            rf"(?!\s*(?:/|&|or\b|and\b|vs\b)\s*(?i:{_WORD}{other}))"
            rf"(?!\s*[,\n]\s*(?!{_OPEN}\1\b){other}\s*(?:$|[.,\n]|and\b|or\b))"
        )
        self._list_of_letters = re.compile(
            rf"\W*({letter}){_CLOSE}\s*[,\n]\s*(?!{_OPEN}\1\b){other}\s*(?:$|[.,\n]|and\b|or\b)"
        )
        self._single = re.compile(r"[\W_]*([A-Za-z])[\W_]*")
        self._lead = re.compile(
            rf"[\W_]*(?i:(?:option|choice|letter|answer)\s+)?[(\[]?(?<![\w-])(?<!\w')({letter})(?!'?\w)"
            rf"{article}(?:{_CLOSE}(?=\s|$|[.:;,–—/]|-(?!\w))|[)\]])" + in_no_list
        )
        self._small_lead = re.compile(
            rf"\W*(?!e\.g|i\.e)({letter.lower()})"
            rf"(?:[)\].:](?=\W|$)|\s*\n|\s+(?:because|since)\b){in_no_list}"
        )
        self._unknown_lead = re.compile(r"\W*([A-Z])[)\].:*]*\s*(?:\n|$|because\b|since\b)")
        self._answer_prefix = re.compile(rf"\W*A\s*:\s*(?={other}(?:\W|$))")
        self._stated = re.compile(
            rf"(?i:(?:{_NAMED}|{_SAID}){_WORD}){lone}{listed}"
            rf"|{lone}\s+(?i:(?:is|seems|must\s+be|would\s+be)\s+(?:the\s+)?(?:most\s+likely\s+)?"
            rf"(?:correct|right|best|answer)\b)"
        )
        self._option = re.compile(r"\boption\s+\(?([A-Za-z])\b", re.IGNORECASE)
        self._it_is = re.compile(rf"(?i:{_IT_IS}{_WORD}){lone}{listed}")
        self._marked = re.compile(rf"\(({letter})\)|(?:^|[\s(])({letter})(?=[.):,]|$)")
        self._lone = re.compile(lone)
        self._listed = re.compile(rf"(?:^|[\s(\[])({letter})[.):](?=\s)")
        self._negated = re.compile(
            rf"(?i:{_NOT}{_WORD}){other}(?:\s*(?:,|or|nor|and)\s*{other})*"
            rf"|{other}\s+(?i:(?:is|are|was)\s+(?:wrong|incorrect|false|(?:not|n't)\s+(?:the\s+)?"
            rf"(?:correct|right|answer))\b)"
        )

    def leading(self, text: str) -> str | None:
        """Return the letter that a text begins with; None without one."""
        text = self._answer_prefix.sub("", text, count=1)
        match = self._lead.match(text) or self._small_lead.match(text)
        return None if match is None else self._offered(match[1])

    def stated(self, text: str, *, declines: bool, options: Sequence[str] = ()) -> set[str]:
        """Return the letters that a text states; none that an explanation only mentions.

        The letter that a text begins with counts, then what is said to be the answer, then
        letters in brackets or before punctuation. A letter that is not offered is `UNKNOWN`. Of a
        text that declines to answer only plain statements count.
        """
        text = _without_texts_of_options(text, options)
        single = self._single.fullmatch(text)
        if single:
            return {self._offered(single[1])}
        text = self._negated.sub("", text)
        if self._enumerates(text):
            rest = "\n".join(line for line in text.splitlines() if not self._listed.match(line))
            if rest.strip() and rest.strip() != text.strip():
                return self.stated(rest, declines=declines)
            return self._letters_of(self._stated, text)
        leading = self.leading(text)
        if leading is not None:
            return {leading}
        unknown = self._unknown_lead.match(text)
        if unknown and self._offered(unknown[1]) == UNKNOWN:
            return {UNKNOWN}
        if self._list_of_letters.match(text):
            return set(self._letters)
        found = self._letters_of(self._stated, text) | self._letters_of(self._option, text)
        if found:
            return found
        if self._offers_several(text):
            return set(self._letters)
        found = set() if declines else self._letters_of(self._it_is, text)
        return found or self._letters_of(self._marked, text)

    def mentioned(self, text: str, options: Sequence[str] = ()) -> set[str]:
        """Return all letters of a text that stand alone and are not ruled out."""
        text = self._negated.sub("", _without_texts_of_options(text, options))
        return set() if self._enumerates(text) else self._letters_of(self._lone, text)

    def _letters_of(self, pattern: re.Pattern[str], text: str) -> set[str]:
        matches = pattern.finditer(text)
        return {self._offered(next(filter(None, match.groups()))) for match in matches}

    def _offered(self, letter: str) -> str:
        found = (one for one in self._letters if one.lower() == letter.lower())
        return next(found, UNKNOWN)

    def _enumerates(self, text: str) -> bool:
        """Say whether a text repeats the list of options."""
        return self._listed.findall(text)[:2] == self._letters[:2]

    def _offers_several(self, text: str) -> bool:
        letter = "|".join(map(re.escape, self._letters))
        pairs = re.findall(
            rf"(?<!\w)({letter})\W+(?:or|and)\W+(?:the\s+|an?\s+)?({letter})(?!\w)",
            text,
            re.IGNORECASE,
        )
        return any(one.lower() != other.lower() for one, other in pairs)


def _without_texts_of_options(text: str, options: Sequence[str]) -> str:
    """Blank the texts of options that hold a letter of their own ("object B")."""
    for option in options:
        if re.search(r"(?<!\w)[A-Z](?!\w)", option) and len(option) > 1:
            text = re.sub(rf"(?<!\w){re.escape(option)}(?!\w)", "\0", text)
    return text
