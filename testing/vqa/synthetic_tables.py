"""Questions of any number of houses, made without rendering: shards, tables, pictures, answers.

Houses are copies of a few whose questions differ, under names of their own. Everything is written
in the forms that the workflow writes.
"""

import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image

from workflow_scripts.common.questions import (
    DIGEST_KEY,
    ROWS_PER_GROUP,
    SCHEMA,
    Question,
    QuestionTableWriter,
    Referent,
)
from workflow_scripts.common.records import Prediction
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.common.storage import atomic_write

NUM_TEMPLATES = 40
QUESTIONS_PER_VIEW = 25
HOUSES_PER_SHARD = 64
# A file system allows an inode so many names at most.
NAMES_PER_PICTURE = 30_000
_HOUSE = "house-000000"
_NAMED_AFTER_HOUSE = ("question_id", "scene_id", "view_id", "image")
_NOUNS = (
    "armchair", "bed", "bin", "bookshelf", "bowl", "box", "cabinet", "chair", "clock", "cup",
    "desk", "dresser", "floor lamp", "fridge", "houseplant", "laptop", "microwave", "mirror",
    "nightstand", "painting", "pillow", "plate", "rug", "shelf", "sink", "sofa", "statue", "stool",
    "stove", "table", "television", "toaster", "vase", "wardrobe",
)  # fmt: skip
_COLOURS = ("black", "blue", "brown", "gray", "green", "red", "white", "yellow")
_COMPARISONS = (
    ("left_right", "further to the left"),
    ("above_below", "higher up"),
    ("taller", "taller"),
    ("wider", "wider"),
    ("front_behind", "nearer to the camera"),
    ("bigger", "bigger"),
)
_MEASURES = (("width", "How wide is"), ("height", "How tall is"), ("camera_distance", "How far is"))


def template_house(number: int, questions_per_house: int) -> list[Question]:
    """Return the questions of one of the houses that are copied."""
    rng = seeded(0, "synthetic questions", number)
    questions = []
    for index in range(questions_per_house):
        view = index // QUESTIONS_PER_VIEW
        names = [
            f"the {rng.choice(_COLOURS)} {noun}"
            for noun in rng.choice(_NOUNS, size=2, replace=False)
        ]
        distance_m = round(float(rng.uniform(0.2, 6.0)), 2)
        values = {
            "question_id": f"procthor-{_HOUSE}-{view:03d}-{index:03d}",
            "source": "procthor",
            "scene_id": _HOUSE,
            "split": "train",
            "view": view,
            "view_id": f"{_HOUSE}-{view:03d}",
            "image": f"procthor/0000.images/{_HOUSE}-{view:03d}-named.jpg",
            "width_px": 336,
            "height_px": 336,
            "form": "named",
            "margin": float(rng.uniform(0.2, 90.0)),
            "frame": "gravity",
            "evidence": {f"{name}.u_px": float(rng.uniform(0, 336)) for name in "abcd"},
            "seed": 7,
            "referents": [
                Referent(
                    instance=place + 1,
                    object_id=f"{name}|{index}",
                    category=name.title(),
                    phrase=name,
                    box=tuple(np.sort(rng.uniform(0, 336, 4)).tolist()),
                )
                for place, name in enumerate(names)
            ],
        }
        if index % 3 == 2:
            family, text = _MEASURES[int(rng.integers(len(_MEASURES)))]
            values |= {
                "family": family,
                "question": f"{text} {names[0]}?",
                "answer": f"{distance_m:.2f} m",
                "answer_type": "metres",
                "choices": [],
                "truth": distance_m,
                "unit": "m",
                "tolerance": 0.005,
                "margin_unit": "m",
            }
        elif index % 3:
            family, relation = _COMPARISONS[int(rng.integers(len(_COMPARISONS)))]
            truth = names[int(rng.integers(2))]
            values |= {
                "family": family,
                "kind": "which",
                "question": f"Which is {relation}, {names[0]} or {names[1]}?",
                "answer": truth,
                "answer_type": "choice",
                "choices": names,
                "truth": truth,
                "margin_unit": "px",
            }
        else:
            family, relation = _COMPARISONS[int(rng.integers(len(_COMPARISONS)))]
            truth = ("no", "yes")[int(rng.integers(2))]
            values |= {
                "family": family,
                "kind": "yes_no",
                "question": f"Is {names[0]} {relation} than {names[1]}?",
                "answer": truth,
                "answer_type": "choice",
                "choices": ["yes", "no"],
                "truth": truth,
                "margin_unit": "px",
            }
        questions.append(Question.model_validate(values))
    return questions


class SyntheticHouses:
    """Write the questions of houses 0 to `num_houses`.

    Attributes:
        num_houses: Houses.
        questions_per_house: Questions about each.
    """

    def __init__(self, num_houses: int, *, questions_per_house: int = 300) -> None:
        self.num_houses = num_houses
        self.questions_per_house = questions_per_house
        count = min(NUM_TEMPLATES, num_houses)
        self._templates = [template_house(number, questions_per_house) for number in range(count)]

    def _names(self) -> Iterator[tuple[int, str, str]]:
        """Yield (template, name, shard) of every house."""
        for house in range(self.num_houses):
            shard = f"{house // HOUSES_PER_SHARD:04d}"
            yield house % len(self._templates), f"house-{house:06d}", shard

    def write_table(self, path: Path, *, split: str = "train") -> None:
        """Write the table of a split that has all houses."""
        plain = path.with_name("template.parquet")
        tables = []
        for questions in self._templates:
            with QuestionTableWriter(plain) as rows:
                rows.add(questions)
            tables.append(pq.read_table(plain).cast(SCHEMA))
        plain.unlink()
        at_split = SCHEMA.get_field_index("split")
        with (
            atomic_write(path, checksum=True) as partial,
            pq.ParquetWriter(
                partial, SCHEMA, compression="zstd", write_page_checksum=True
            ) as writer,
        ):
            waiting = []
            for number, (template, house, shard) in enumerate(self._names(), start=1):
                table = tables[template]
                for name in _NAMED_AFTER_HOUSE:
                    texts = pc.replace_substring(table[name], _HOUSE, house)
                    if name == "image":
                        texts = pc.replace_substring(texts, "/0000.", f"/{shard}.")
                    table = table.set_column(SCHEMA.get_field_index(name), name, texts)
                texts = pa.array([split] * len(table))
                waiting.append(table.set_column(at_split, "split", texts))
                if number % HOUSES_PER_SHARD == 0 or number == self.num_houses:
                    writer.write_table(pa.concat_tables(waiting), row_group_size=ROWS_PER_GROUP)
                    waiting = []
            writer.add_key_value_metadata({DIGEST_KEY: "0" * 64})

    def write_pictures(self, folder: Path) -> None:
        """Write a picture for every view: names of a few files."""
        count = 0
        for _, house, shard in self._names():
            pictures = folder / f"procthor/{shard}.images"
            pictures.mkdir(parents=True, exist_ok=True)
            for view in range(-(-self.questions_per_house // QUESTIONS_PER_VIEW)):
                source = folder / f"picture-{count // NAMES_PER_PICTURE}.jpg"
                if count % NAMES_PER_PICTURE == 0:
                    Image.new("RGB", (336, 336), (90, 120, 150)).save(source)
                os.link(source, pictures / f"{house}-{view:03d}-named.jpg")
                count += 1

    def write_shards(self, folder: Path) -> list[Path]:
        """Write the shards of questions that merging reads; one house in five is of a test."""
        texts = [
            "".join(question.model_dump_json() + "\n" for question in questions)
            for questions in self._templates
        ]
        paths = []
        houses = [
            (texts[template], name, shard, "train" if number % 5 else "test")
            for number, (template, name, shard) in enumerate(self._names())
        ]
        for shard, of_shard in groupby(houses, key=lambda house: house[2]):
            paths.append(folder / f"{shard}.jsonl")
            with (
                atomic_write(paths[-1], checksum=True) as partial,
                partial.open("w", encoding="utf-8") as file,
            ):
                for text, name, _, split in of_shard:
                    named = text.replace(_HOUSE, name).replace("/0000.", f"/{shard}.")
                    file.write(named.replace('"split":"train"', f'"split":"{split}"'))
        return paths

    def write_answers(self, path: Path, condition: str) -> None:
        """Write an answer to every question; about half are right."""
        rng = seeded(0, "synthetic answers", condition)
        texts = []
        for questions in self._templates:
            wrong = rng.permutation([question.answer for question in questions])
            is_right = rng.random(len(questions)) < 0.5
            texts.append(
                "".join(
                    Prediction(
                        experiment="synthetic",
                        condition=condition,  # type: ignore[arg-type]
                        question_id=question.question_id,
                        text=question.answer if right else str(other),
                    ).model_dump_json()
                    + "\n"
                    for question, right, other in zip(questions, is_right, wrong, strict=True)
                )
            )
        with (
            atomic_write(path, checksum=True) as partial,
            partial.open("w", encoding="utf-8") as file,
        ):
            for template, house, _ in self._names():
                file.write(texts[template].replace(_HOUSE, house))
