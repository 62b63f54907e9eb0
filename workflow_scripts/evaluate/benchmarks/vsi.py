"""Read files in the form of VSI-Bench: questions about videos, of which frames are shown.

A row has `id`, `dataset`, `scene_name`, `question_type`, `question`, `options` (or null) and
`ground_truth`. The video is `{images}/{dataset}/{scene_name}.mp4`, or a folder of that name with
its frames as pictures; evenly spaced frames are shown, first and last among them.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from workflow_scripts.common.answer_text import format_metres
from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluate.benchmarks.benchmark_files import (
    check_size,
    file_inside,
    path_inside,
    read_picture,
)
from workflow_scripts.evaluate.benchmarks.importer import (
    Row,
    SkippedRow,
    UnusableRow,
    field,
    import_row,
    row_name,
)
from workflow_scripts.evaluate.eval_items import EvalItem
from workflow_scripts.evaluate.quantity_parsing import parse_number

FORMAT = "vsi-bench"
# Type of the answer, and the SI value of a reply's unit where it gives a bare number.
NUMERIC: dict[str, tuple[str, float]] = {
    "object_counting": ("count", 1.0),
    "object_abs_distance": ("metres", 1.0),
    "object_size_estimation": ("metres", 0.01),
    "room_size_estimation": ("square_metres", 1.0),
}
_FRAMES = (".jpg", ".jpeg", ".png", ".webp")
MAX_SIDE_PX = 640
_MAX_NAME_CHARACTERS = 60
JPEG_QUALITY = 92


def import_rows(
    rows: list[Row | SkippedRow], images: Path, pictures: Path, *, num_frames: int
) -> Iterator[EvalItem | SkippedRow]:
    """Yield an item for every row, or why there is none."""
    frames_by_video: dict[Path, list[str]] = {}

    def item(row: Row, name: str) -> EvalItem:
        dataset, scene = str(field(row, "dataset")), str(field(row, "scene_name"))
        video = images / dataset / scene
        if video not in frames_by_video:
            out = _new_folder(pictures, f"{dataset}-{scene}")
            frames_by_video[video] = _frames(images, (dataset, scene), out, num_frames)
        return _item(row, name, f"{dataset}/{scene}", frames_by_video[video])

    for number, row in enumerate(rows):
        yield import_row(row, row_name(number, row), item)


def _item(row: Row, name: str, scene: str, frames: list[str]) -> EvalItem:
    kind, question = str(field(row, "question_type")), str(field(row, "question"))
    truth = field(row, "ground_truth")
    intro = "These pictures are frames of one video, in order.\n"
    values: dict[str, Any]
    if row.get("options"):
        letters, options = _options(row["options"])
        if str(truth) not in letters:
            raise UnusableRow(f"the true option {truth!r} is not offered")
        listed = "\n".join(
            f"{letter}. {text}" for letter, text in zip(letters, options, strict=True)
        )
        values = {
            "question": f"{intro}{question}\n{listed}\nAnswer with the letter of one option.",
            "answer_type": "multiple_choice",
            "choices": letters,
            "options": options,
            "truth": str(truth),
            "answer": str(truth),
        }
    elif kind in NUMERIC:
        answer_type, unit_size = NUMERIC[kind]
        number = parse_number(str(truth))
        if number is None:
            raise UnusableRow(f"the truth {truth!r} is not a number")
        values = {
            "question": f"{intro}{question}\nAnswer with one number.",
            "answer_type": answer_type,
            "unit_size": unit_size,
            "truth": number * unit_size,
            "answer": format_metres(number * unit_size)
            if answer_type == "metres"
            else f"{number:g}",
        }
    else:
        raise UnusableRow(f"question type {kind!r} has neither options nor a known unit")
    return EvalItem(
        question_id=name,
        benchmark=FORMAT,
        scene_id=scene,
        family=kind,
        form="named",
        images=frames,
        **values,
    )


def _options(options: Any) -> tuple[list[str], list[str]]:
    """Split "A. the chair" into letter and text; options without letters get them in order."""
    if not isinstance(options, list) or not 2 <= len(options) <= 26:
        raise UnusableRow("'options' is no list of two to 26 options")
    letters, texts = [], []
    for index, option in enumerate(map(str, options)):
        match = re.match(r"\s*\(?([A-Z])\s*[.):]\s*(.+)", option, re.DOTALL)
        letters.append(match[1] if match else chr(ord("A") + index))
        texts.append((match[2] if match else option).strip())
    if len(set(letters)) < len(letters):
        raise UnusableRow("two options have one letter")
    return letters, texts


def _new_folder(pictures: Path, name: str) -> Path:
    """Return a folder for the frames of a video that no other video has."""
    clean = re.sub(r"[^\w.-]", "_", name)[:_MAX_NAME_CHARACTERS]
    while (pictures / clean).exists():
        clean += "_"
    return pictures / clean


def _frames(images: Path, video: tuple[str, str], out: Path, num_frames: int) -> list[str]:
    """Write evenly spaced frames of a video (dataset, scene), and return their names."""
    dataset, scene = video
    folder = path_inside(images, dataset, scene, what="its video")
    movie = path_inside(images, dataset, f"{scene}.mp4", what="its video")
    if folder.is_dir():
        try:
            files = sorted(file.name for file in folder.iterdir())
        except OSError as error:
            raise UnusableRow("the folder of its frames cannot be read") from error
        files = [file for file in files if file.lower().endswith(_FRAMES)]
        chosen = [files[index] for index in _evenly_spaced(len(files), num_frames)]
        pictures = [_read(images, dataset, scene, file) for file in chosen]
    elif movie.exists():
        what = f"video {movie.name}"
        path = file_inside(images, dataset, f"{scene}.mp4", what=what)
        pictures = _decode(path, num_frames)
    else:
        raise UnusableRow("its video exists neither as .mp4 nor as a folder of frames")
    if not pictures:
        raise UnusableRow("its video has no frame")
    out.mkdir(parents=True)
    names = []
    for number, picture in enumerate(pictures):
        picture.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.LANCZOS)
        picture.save(out / f"{number:03d}.jpg", quality=JPEG_QUALITY)
        names.append(f"{out.name}/{number:03d}.jpg")
    return names


def _evenly_spaced(total: int, how_many: int) -> list[int]:
    """Return evenly spaced indices, the first and the last among them."""
    return sorted(set(np.linspace(0, total - 1, min(how_many, total)).round().astype(int).tolist()))


def _read(images: Path, *names: str) -> Image.Image:
    """Return a frame, shrunk at once: many large ones would not fit into memory together."""
    picture = ImageOps.exif_transpose(read_picture(images, *names, what=f"frame {names[-1]}"))
    picture.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.LANCZOS)
    return picture


def _decode(path: Path, num_frames: int) -> list[Image.Image]:
    try:
        import av
    except ImportError as error:
        raise UserError(
            f"{path}: reading videos needs the package av. Install it, or put the video's frames "
            f"as pictures into the folder {path.with_suffix('')}."
        ) from error
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            check_size(stream.width, stream.height, what=f"video {path.name}")
            total = sum(1 for _ in container.decode(video=0))
        wanted = set(_evenly_spaced(total, num_frames))
        with av.open(str(path)) as container:
            return [
                frame.to_image()  # type: ignore[no-untyped-call]
                for number, frame in enumerate(container.decode(video=0))
                if number in wanted
            ]
    except (av.error.FFmpegError, IndexError) as error:
        raise UnusableRow(f"video {path.name} cannot be decoded") from error
