"""How published work prepares answers about scans before it compares them, by name.

Numbers of different protocols are not comparable: every score names its own, and several stand
side by side. `PROTOCOLS` says for each what is done to an answer and to its references.
"""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluate.quantity_parsing import NAMES_BELOW_20

Texts = Sequence[str]
NUMBER_WORDS = (*NAMES_BELOW_20, "twenty")

# Spelling mistakes of SQA3D's answers that LEO's evaluation mends; "let" is one of them there.
_SPELLING = {
    "letf": "left",
    "let": "left",
    "tehre": "there",
    "rigth": "right",
    "rght": "right",
    "behine": "behind",
    "tv": "TV",
    "chai": "chair",
    "wasing": "washing",
    "waslked": "walked",
    "oclock": "o'clock",
    "o'[ ]+clock": "o'clock",
}
_LEO_NUMBERS = {**{str(n): word for n, word in enumerate(NUMBER_WORDS)}, "23": "twenty-three"}


def clean_leo(text: str) -> str:
    """Return a text as LEO, LLaVA-3D and Video-3D LLM compare answers of SQA3D (and ScanQA).

    It loses meaning: "none" becomes "zero", "let" "left", and all but ASCII is deleted.
    """
    text = re.sub(r"[ ]+", " ", text.lower().strip(" "))
    text = re.sub(r"[^a-zA-Z0-9,'\s\-:]+", "", text)
    for wrong, right in _SPELLING.items():
        text = re.sub(rf"\b{wrong}\b", right, text)
    for digits, word in {**_LEO_NUMBERS, "none": "zero"}.items():
        text = re.sub(rf"\b{digits}\b", word, text)
    text = re.sub(r"\b([a-zA-Z]+)[0-9]\b", r"\1", text)
    for article in ("a", "an", "the"):
        text = re.sub(rf"\b{article}\b ([a-zA-Z]+)", r"\1", text)
    return re.sub(r"\bbackwards\b", "backward", text)


def clean_scan2cap(text: str) -> str:
    """Return a caption as Video-3D LLM scores it: "." and "," are words, "sos" and "eos" around."""
    text = text.replace(".", " . ").replace(",", " , ").lower()
    return " ".join(["sos", *text.split(), "eos"])


def clean_scan2cap_words(text: str) -> str:
    """Return a caption as `clean_scan2cap`, without its punctuation, as other work scores it."""
    return " ".join(["sos", *re.sub(r"[.,]", " ", text).lower().split(), "eos"])


def clean_answer(text: str) -> str:
    """Return a text as we compare answers: case, articles and punctuation do not count.

    Letters of every script are kept, and numbers up to twenty are equal in words and digits.
    """
    words = re.sub(r"[^\w\s'-]|(?<!\w)['-]|['-](?!\w)", " ", text.casefold()).split()
    digits = {word: str(number) for number, word in enumerate(NUMBER_WORDS)}
    return " ".join(digits.get(word, word) for word in words if word not in ("a", "an", "the"))


def _unchanged(text: str) -> str:
    return text


def without_last_period(text: str) -> str:
    """Return a text as Video-3D LLM scores it on ScanQA by text metrics, not by EM."""
    return text.removesuffix(".")


@dataclass(frozen=True)
class Protocol:
    """What is done to answers and references alike.

    Attributes:
        clean: What is done to a text.
        is_tokenized: Whether the tokenizer of the Penn Treebank follows (a Java program).
        source: Whose protocol it is, and for which data.
        clean_for_text_metrics: What is also done to a text before text metrics, not before EM.
    """

    clean: Callable[[str], str]
    is_tokenized: bool
    source: str
    clean_for_text_metrics: Callable[[str], str] = _unchanged

    def prepare(self, texts: Texts) -> list[str]:
        """Return texts as text metrics compare them; `UserError` if Java is needed and missing."""
        cleaned = [self.clean_for_text_metrics(self.clean(text)) for text in texts]
        return tokenize_ptb(cleaned) if self.is_tokenized else cleaned


PROTOCOLS = {
    "video3d_scan2cap": Protocol(clean_scan2cap, False, "Video-3D LLM, LEO on Scan2Cap"),
    "words_scan2cap": Protocol(
        clean_scan2cap_words, False, "3D-LLaVA on Scan2Cap: without punctuation"
    ),
    "video3d_scanqa": Protocol(
        _unchanged, False, "Video-3D LLM on ScanQA", clean_for_text_metrics=without_last_period
    ),
    "leo": Protocol(clean_leo, False, "LEO on ScanQA and SQA3D; Video-3D LLM on SQA3D"),
    "llava3d": Protocol(clean_leo, True, "LLaVA-3D on ScanQA"),
    "scanqa_official": Protocol(_unchanged, True, "the scorer of ScanQA"),
    "answers": Protocol(clean_answer, False, "ours"),
}


def has_java() -> bool:
    """Say whether the Java programs of pycocoevalcap (PTB tokenizer, METEOR) can run."""
    try:
        import pycocoevalcap  # noqa: F401
    except ImportError:
        return False
    return shutil.which("java") is not None


def tokenize_ptb(texts: Texts) -> list[str]:
    """Return texts as the tokenizer of the Penn Treebank splits them, without punctuation."""
    if not has_java():
        raise UserError(
            "this protocol needs the tokenizer of the Penn Treebank: install Java and "
            "'pip install pycocoevalcap==1.2', or choose a protocol without it"
        )
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    # A line break would be read as the next text.
    lines = {number: [{"caption": " ".join(text.split())}] for number, text in enumerate(texts)}
    if not lines:
        return []
    tokens = PTBTokenizer().tokenize(lines)
    return [tokens[number][0] for number in range(len(texts))]


def meteor(answers: Texts, references: Sequence[Texts]) -> float:
    """Return METEOR 1.5 of a corpus, from the Java program of pycocoevalcap (Denkowski 2014)."""
    if not has_java():
        raise UserError(
            "METEOR needs Java and 'pip install pycocoevalcap==1.2'; leave it out without them"
        )
    from pycocoevalcap.meteor.meteor import Meteor

    # The program reads a text from a line, and "|||" stands between texts.
    numbered = {number: [*map(_one_line, texts)] for number, texts in enumerate(references)}
    hypotheses = {number: [_one_line(answer)] for number, answer in enumerate(answers)}
    score, _ = Meteor().compute_score(numbered, hypotheses)
    return float(score)


def _one_line(text: str) -> str:
    return " ".join(text.replace("|||", " ").split())
