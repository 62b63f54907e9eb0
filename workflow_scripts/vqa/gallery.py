"""Draw a gallery: pictures of a shard, each with some of the questions asked about it."""

import textwrap
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from workflow_scripts.common.questions import Question
from workflow_scripts.common.storage import atomic_write

COLUMNS = 4
MAX_CARDS = 12
QUESTIONS_PER_CARD = 6
PICTURE_PX = 400
MARGIN_PX = 14
FONT_PX = 15
LINE_PX = 20
LINE_CHARACTERS = 54
PAPER, INK, ANSWER_INK, FAINT_INK = (250, 250, 248), (35, 35, 40), (0, 95, 160), (130, 130, 135)


def draw_gallery(questions: Sequence[Question], images: Path, out: Path) -> None:
    """Write a PNG of up to twelve pictures spread over the shard, with questions and answers.

    `images` is the folder that holds the pictures' files.
    """
    cards = [(name, list(group)) for name, group in groupby(_by_image(questions), _image)]
    step = max(len(cards) / MAX_CARDS, 1)
    chosen = [cards[int(number * step)] for number in range(min(len(cards), MAX_CARDS))]
    drawn = [_card(images / Path(name).name, group) for name, group in chosen]
    if not drawn:
        drawn = [_message_card("No question was asked about this shard.")]
    rows = [drawn[start : start + COLUMNS] for start in range(0, len(drawn), COLUMNS)]
    width = max(sum(card.width for card in row) for row in rows)
    sheet = Image.new("RGB", (width, sum(max(card.height for card in row) for row in rows)), PAPER)
    top = 0
    for row in rows:
        for column, card in enumerate(row):
            sheet.paste(card, (column * card.width, top))
        top += max(card.height for card in row)
    with atomic_write(out) as partial:
        sheet.save(partial, format="PNG")


def _image(question: Question) -> str:
    return question.image


def _by_image(questions: Sequence[Question]) -> list[Question]:
    return sorted(questions, key=lambda question: (question.view, question.image))


def _card(picture: Path, questions: Sequence[Question]) -> Image.Image:
    lines: list[tuple[str, tuple[int, int, int]]] = []
    for question in questions[:QUESTIONS_PER_CARD]:
        wrapped = textwrap.wrap(question.question, LINE_CHARACTERS)
        lines += [(line, INK) for line in wrapped]
        lines.append((f"    {question.answer}", ANSWER_INK))
    left_out = len(questions) - QUESTIONS_PER_CARD
    if left_out > 0:
        lines.append((f"and {left_out} more", FAINT_INK))
    with Image.open(picture) as opened:
        photo = opened.convert("RGB")
    height = round(PICTURE_PX * photo.height / photo.width)
    photo = photo.resize((PICTURE_PX, height), Image.Resampling.LANCZOS)
    text_top = height + 2 * MARGIN_PX
    size = (PICTURE_PX + 2 * MARGIN_PX, text_top + LINE_PX * len(lines) + MARGIN_PX)
    card = Image.new("RGB", size, PAPER)
    card.paste(photo, (MARGIN_PX, MARGIN_PX))
    pen = ImageDraw.Draw(card)
    font = ImageFont.load_default(FONT_PX)
    for number, (line, ink) in enumerate(lines):
        pen.text((MARGIN_PX, text_top + LINE_PX * number), line, fill=ink, font=font)
    return card


def _message_card(text: str) -> Image.Image:
    card = Image.new("RGB", (PICTURE_PX + 2 * MARGIN_PX, 4 * MARGIN_PX), PAPER)
    ImageDraw.Draw(card).text(
        (MARGIN_PX, MARGIN_PX), text, fill=INK, font=ImageFont.load_default(FONT_PX)
    )
    return card
