"""Draw the episodes of a shard: a row for each task, a square for each episode in its split."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from workflow_scripts.common.fonts import font
from workflow_scripts.common.records import SPLITS, Episode
from workflow_scripts.common.storage import atomic_write

SQUARE_PX, GAP_PX, MARGIN_PX, LABEL_WIDTH_PX, PER_ROW = 30, 4, 18, 250, 20
BACKGROUND, FOREGROUND, SECONDARY = (250, 250, 248), (32, 34, 38), (120, 124, 130)
COLOURS = {"train": (120, 160, 205), "val": (225, 180, 90), "test": (205, 110, 110)}


def draw_episode_sheet(path: Path, episodes: Sequence[Episode]) -> None:
    """Write the picture as PNG; a number is the variation, a struck square an unusable episode."""
    tasks = list(dict.fromkeys(episode.task for episode in episodes))
    episodes_of_task = {task: [e for e in episodes if e.task == task] for task in tasks}
    rows_of_task = {
        task: -(-len(task_episodes) // PER_ROW) for task, task_episodes in episodes_of_task.items()
    }
    step = SQUARE_PX + GAP_PX
    widest = min(
        PER_ROW, max((len(task_episodes) for task_episodes in episodes_of_task.values()), default=0)
    )
    size = (
        max(2 * MARGIN_PX + LABEL_WIDTH_PX + widest * step, 620),
        3 * MARGIN_PX + 24 + sum(rows_of_task.values()) * step + 8 * len(tasks),
    )
    sheet = Image.new("RGB", size, BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN_PX, MARGIN_PX), f"{len(episodes)} episodes", font=font(17), fill=FOREGROUND)
    x = MARGIN_PX + LABEL_WIDTH_PX
    for split in SPLITS:
        pen.rectangle((x, MARGIN_PX + 2, x + 16, MARGIN_PX + 18), fill=COLOURS[split])
        pen.text((x + 22, MARGIN_PX + 1), split, font=font(14), fill=FOREGROUND)
        x += 80
    y = 2 * MARGIN_PX + 24
    for task in tasks:
        pen.text((MARGIN_PX, y + 6), task, font=font(14), fill=FOREGROUND)
        for position, episode in enumerate(episodes_of_task[task]):
            row, column = divmod(position, PER_ROW)
            _square(pen, MARGIN_PX + LABEL_WIDTH_PX + column * step, y + row * step, episode)
        y += rows_of_task[task] * step + 8
    with atomic_write(path) as partial:
        sheet.save(partial, format="PNG", optimize=False)


def _square(pen: ImageDraw.ImageDraw, x: int, y: int, episode: Episode) -> None:
    box = (x, y, x + SQUARE_PX, y + SQUARE_PX)
    pen.rectangle(box, fill=COLOURS[episode.split])
    middle = (x + SQUARE_PX / 2, y + SQUARE_PX / 2)
    pen.text(middle, str(episode.variation), font=font(13), fill=FOREGROUND, anchor="mm")
    if episode.skipped:
        pen.line((x, y + SQUARE_PX, x + SQUARE_PX, y), fill=FOREGROUND, width=3)
