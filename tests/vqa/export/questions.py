"""Questions written by hand about the synthetic living room, with their pictures and views."""

from pathlib import Path
from typing import Any

from PIL import Image

from testing.box_scenes import living_room_scene, write_shard
from workflow_scripts.common.questions import Question, QuestionTableWriter, Referent
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.common.view_shard import ViewShard

# Instances of `living_room_scene`: floor, ceiling and four walls come first.
SOFA, TABLE, VASE, LAMP = 7, 8, 9, 10


def referent(instance: int, category: str, phrase: str, mark: str = "") -> Referent:
    return Referent(
        instance=instance,
        object_id=f"{category}|{instance}",
        category=category,
        phrase=phrase,
        mark=mark,
        pixel=(10.0, 12.0) if mark else None,
    )


THE_SOFA = referent(SOFA, "Sofa", "the sofa")
THE_LAMP = referent(LAMP, "FloorLamp", "the floor lamp")


def question(number: int, *, view: int = 0, scene: str = "a", **changes: Any) -> Question:
    """Return a question about a view; named unless changed."""
    view_id = f"{scene}-{view:03d}"
    values: dict[str, Any] = {
        "question_id": f"procthor-{view_id}-{number:02d}",
        "source": "procthor",
        "scene_id": scene,
        "split": "train",
        "view": view,
        "view_id": view_id,
        "image": f"procthor/0000.images/{view_id}.jpg",
        "family": "left_right",
        "form": "named",
        "question": "Is the sofa left of the floor lamp?",
        "answer": "yes",
        "answer_type": "choice",
        "choices": ["yes", "no"],
        "truth": "yes",
        "margin": 40.0,
        "margin_unit": "px",
        "evidence": {"difference_px": 40.0},
        "referents": [THE_SOFA, THE_LAMP],
    }
    return Question.model_validate({**values, **changes})


def width(number: int, **changes: Any) -> Question:
    """Return a question whose truth is a number."""
    return question(
        number,
        **{
            "family": "width",
            "question": "How wide is the sofa?",
            "answer": "1.80 m",
            "answer_type": "metres",
            "choices": [],
            "truth": 1.8,
            "unit": "m",
            "margin_unit": "m",
            "referents": [THE_SOFA],
            **changes,
        },
    )


def write_questions(path: Path, questions: list[Question]) -> Path:
    with atomic_write(path, checksum=True) as partial, QuestionTableWriter(partial) as rows:
        rows.add(questions)
    return path


def write_views(folder: Path) -> Path:
    """Write a shard of views of the living room and its plain pictures under `folder`/vqa."""
    views = write_shard(folder / "views/procthor/0000.zarr", {"a": living_room_scene()})
    shard = ViewShard.open(views)
    images = folder / "vqa/procthor/0000.images"
    images.mkdir(parents=True)
    for view in range(len(shard)):
        Image.fromarray(shard.rgb(view)).save(images / f"a-{view:03d}.jpg", quality=92)
    return views
