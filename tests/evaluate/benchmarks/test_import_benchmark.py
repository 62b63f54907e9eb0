"""Benchmarks read from small files in their form, written here; and rows that cannot be asked."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from testing.vqa.scenes import furnished_shard
from tests.evaluate.benchmarks.sample_rows import (
    BOXES,
    SPATIAL,
    VSI,
    spatial_row,
    write_pictures,
)
from tests.vqa.export.questions import question, width, write_questions, write_views
from tests.vqa.generation import generate_for_shard
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_marks import MARK_COLOURS
from workflow_scripts.common.questions import Question
from workflow_scripts.common.records import Prediction, SkippedItem
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.config.evaluate import BenchmarkFileSettings
from workflow_scripts.config.vqa import ReasoningSettings
from workflow_scripts.evaluate import score
from workflow_scripts.evaluate.benchmarks import import_benchmark
from workflow_scripts.evaluate.benchmarks.importer import read_rows
from workflow_scripts.evaluate.eval_items import EvalItem
from workflow_scripts.experiments.vlm import VlmScoreSettings
from workflow_scripts.vqa.export import regions

ROOT = Path(__file__).parents[3]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "images")


def run_import(
    folder: Path, file_format: str, rows: list, images: Path, *, lines: bool = False, **settings
):
    file = folder / "benchmark.json"
    file.write_text("\n".join(map(json.dumps, rows)) if lines else json.dumps(rows))
    import_benchmark.main(
        name="bench",
        out=folder / "items.jsonl",
        pictures=folder / "pictures",
        skipped=folder / "skipped.jsonl",
        settings=BenchmarkFileSettings(
            format=file_format, path=str(file), images=str(images), **settings
        ),
    )
    return read_records(folder / "items.jsonl", EvalItem), read_records(
        folder / "skipped.jsonl", SkippedItem
    )


@pytest.mark.parametrize("lines", [False, True])
def test_spatialrgpt_rows_become_questions_about_marks(
    tmp_path: Path, images: Path, lines: bool
) -> None:
    items, skipped = run_import(tmp_path, "spatialrgpt-bench", SPATIAL, images, lines=lines)
    assert not skipped
    assert [(item.answer_type, item.truth) for item in items] == [
        ("choice", "no"),
        ("choice", "green"),
        ("metres", pytest.approx(14.5 * 0.0254)),
        ("clock", 4),
        ("metres", pytest.approx(2.1)),
    ]
    assert items[0].question == (
        "Is the object at the red mark taller than the object at the green mark?"
    )
    assert items[1].choices == ["red", "green"]
    assert {item.scene_id for item in items} == {"a/b.jpg"}
    assert all("egion" not in item.question and "<" not in item.question for item in items)
    with Image.open(tmp_path / "pictures" / items[0].images[0]) as picture:
        pixels = np.asarray(picture).astype(int)
    for colour, (x0, y0, x1, y1) in zip(("red", "green"), BOXES, strict=True):
        seen = pixels[(y0 + y1) // 2, (x0 + x1) // 2]
        assert np.abs(seen - np.array(MARK_COLOURS[colour])).max() < 30


def test_a_mask_wins_over_its_box(tmp_path: Path, images: Path) -> None:
    from pycocotools import mask as coco

    mask = np.zeros((80, 100), dtype=np.uint8)
    mask[50:80, 0:30] = 1
    encoded = coco.encode(np.asfortranarray(mask))
    rle = {"size": [80, 100], "counts": encoded["counts"].decode()}
    row = spatial_row(0, "How wide is Region [0]?", "2 m", "width_data", rle=[rle])
    items, _ = run_import(tmp_path, "spatialrgpt-bench", [row], images)
    with Image.open(tmp_path / "pictures" / items[0].images[0]) as picture:
        assert np.asarray(picture)[65, 15, 0] > 220
        assert np.asarray(picture)[20, 20, 0] < 120


def with_stated_truth(
    answer_type: str, truth: object = None, choices: object = ("yes", "no")
) -> dict:
    choices = list(choices) if isinstance(choices, tuple) else choices
    stated_values = {"answer_type": answer_type, "truth": truth, "choices": choices}
    return {"qa_info": {"type": "", "category": "x", **stated_values}}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"image_info": {"file_path": "no.jpg"}}, "picture no.jpg cannot be read"),
        ({"text_q": "".join(f"Region [{n}] " for n in range(5))}, "5 regions"),
        ({"bbox": []}, "neither a mask nor a box"),
        ({"conversations": []}, "no reference answer"),
        ({"conversations": [{}, {"value": "large"}]}, "no length, area, angle or hour"),
        ({"qa_info": {"type": "quantitative"}}, "'qa_info.category' is missing"),
        (with_stated_truth("metres"), "'qa_info.truth' None is no answer of type 'metres'"),
        (
            with_stated_truth("clock", float("nan")),
            "'qa_info.truth' nan is no answer of type 'clock'",
        ),
        (with_stated_truth("choice", "red"), "'qa_info.truth' 'red' is no answer of type 'choice'"),
        (with_stated_truth("choice", "7", 7), "'qa_info.truth' '7' is no answer of type 'choice'"),
        (with_stated_truth("point", "(0.1, 0.2)"), "is no answer of type 'point'"),
        ({"conversations": ["a", "b"]}, "no length, area, angle or hour"),
        ({"image_info": {"file_path": "a\0b.jpg"}}, "cannot be read"),
        ({"bbox": [["a", 1, 2, 3]]}, "not four finite numbers"),
        ({"bbox": [[0, 0, float("inf"), 1]]}, "not four finite numbers"),
        ({"bbox": [7]}, "not four finite numbers"),
        ({"rle": [{"size": [80, 100], "counts": "garbage"}]}, "mask of region 0 cannot be read"),
        ({"rle": [{"size": [8, 10], "counts": [99]}]}, "mask of region 0 cannot be read"),
        ({"rle": [{"size": [80, 100], "counts": "\u58eb"}]}, "mask of region 0 cannot be read"),
    ],
)
def test_spatialrgpt_rows_that_cannot_be_asked_are_listed(
    tmp_path: Path, images: Path, changes: dict, reason: str
) -> None:
    rows = [{**SPATIAL[2], **changes}, SPATIAL[2]]
    items, skipped = run_import(tmp_path, "spatialrgpt-bench", rows, images)
    assert len(items) == 1
    assert reason in skipped[0].reason
    assert skipped[0].item == "000000-s2"


def test_our_region_tagged_export_is_read_as_a_benchmark(tmp_path: Path) -> None:
    views = write_views(tmp_path)
    which = question(
        2,
        question="Which is wider, the sofa or the floor lamp?",
        answer="sofa",
        choices=["sofa", "floor lamp"],
        truth="sofa",
    )
    exported = [question(0), width(1), which]
    regions.main(
        questions=write_questions(tmp_path / "vqa/train.parquet", exported),
        views=[views],
        images=tmp_path / "vqa",
        out=tmp_path / "regions.json",
        dropped=tmp_path / "dropped.jsonl",
        settings=ReasoningSettings(),
    )
    rows = json.loads((tmp_path / "regions.json").read_text())
    items, skipped = run_import(tmp_path, "spatialrgpt-bench", rows, tmp_path / "vqa")
    assert not skipped
    assert [item.truth for item in items] == ["yes", pytest.approx(1.8), "red"]


def test_every_row_of_our_export_is_read_back_with_its_truth(tmp_path: Path) -> None:
    views = furnished_shard(tmp_path / "views/procthor")
    vqa = tmp_path / "vqa"
    forms = ("named", "marked", "region")
    exported, _ = generate_for_shard(views, vqa / "procthor", forms=forms, questions_per_view=120)
    regions.main(
        questions=write_questions(vqa / "train.parquet", exported),
        views=[views],
        images=vqa,
        out=tmp_path / "regions.json",
        dropped=tmp_path / "dropped.jsonl",
        settings=ReasoningSettings(),
    )
    rows = json.loads((tmp_path / "regions.json").read_text())
    items, skipped = run_import(tmp_path, "spatialrgpt-bench", rows, vqa)
    assert not skipped
    assert len(items) == len(rows) > 150
    by_id = {question.question_id: question for question in exported}
    answer_types = set()
    for row, item in zip(rows, items, strict=True):
        source = by_id[row["id"]]
        answer_types.add(source.answer_type)
        assert item.answer_type == source.answer_type
        assert (item.truth in item.choices) == bool(item.choices)
        assert "egion" not in item.question + item.answer + str(item.truth)
        if source.kind == "which" and len(source.referents) > 1:
            referent_names = [referent.mark or referent.phrase[4:] for referent in source.referents]
            position = referent_names.index(source.truth)
            masks = [json.dumps(rle) for rle in row["rle"]]
            assert len(set(masks)) == len(masks)
            assert item.truth == list(MARK_COLOURS)[_order_of(source)[position]]
        elif not isinstance(source.truth, str):
            assert item.truth == source.truth
    assert {
        "choice",
        "multiple_choice",
        "metres",
        "square_metres",
        "clock",
        "degrees",
    } <= answer_types


def _order_of(question: Question) -> list[int]:
    """Return by referent which region it is: in the order of first mention."""
    text = question.question.lower()
    first = [text.index(referent.phrase.lower()) for referent in question.referents]
    return [sorted(first).index(position) for position in first]


def test_a_bare_number_is_an_hour_only_of_a_direction(tmp_path: Path, images: Path) -> None:
    rows = [
        spatial_row(0, "Where is Region [1] from Region [0]?", "4", "direction"),
        spatial_row(1, "How far is Region [1] from Region [0]?", "4", "distance_data"),
        spatial_row(2, "How large is Region [0]?", "It covers 2.5 square metres.", "width_data"),
    ]
    items, skipped = run_import(tmp_path, "spatialrgpt-bench", rows, images)
    assert [(item.answer_type, item.truth) for item in items] == [
        ("clock", 4),
        ("square_metres", pytest.approx(2.5)),
    ]
    assert "no length, area, angle or hour" in skipped[0].reason


def test_vsi_rows_become_questions_about_frames(tmp_path: Path, images: Path) -> None:
    items, skipped = run_import(tmp_path, "vsi-bench", VSI, images, num_frames=5)
    assert not skipped
    assert [(item.answer_type, item.truth, item.unit_size) for item in items] == [
        ("count", 4, 1),
        ("metres", 1.5, 1),
        ("metres", pytest.approx(0.86), 0.01),
        ("square_metres", 20.5, 1),
        ("multiple_choice", "B", 0),
    ]
    assert items[4].options == ["bed", "sofa", "lamp", "chair"]
    assert "B. sofa" in items[4].question
    assert items[0].images == [f"scannet-scene0001_00/{n:03d}.jpg" for n in range(5)]
    reds = []
    for name in items[0].images:
        with Image.open(tmp_path / "pictures" / name) as picture:
            reds.append(np.asarray(picture)[..., 0].mean())
    assert reds == pytest.approx([0, 50, 100, 140, 190], abs=6)  # first, last, evenly between


def test_vsi_reads_videos(tmp_path: Path, images: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(str(images / "scannet/scene0002_00.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(12):
            picture = np.full((48, 64, 3), 20 * number, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    row = {**VSI[0], "scene_name": "scene0002_00"}
    items, _ = run_import(tmp_path, "vsi-bench", [row], images, num_frames=3)
    levels = []
    for name in items[0].images:
        with Image.open(tmp_path / "pictures" / name) as picture:
            levels.append(np.asarray(picture).mean())
    assert levels == pytest.approx([0, 120, 220], abs=12)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"scene_name": "gone"}, "neither as .mp4 nor as a folder"),
        ({"ground_truth": "many"}, "is not a number"),
        ({"question_type": "mood"}, "neither options nor a known unit"),
        ({"options": ["A. x", "A. y"], "ground_truth": "A"}, "two options have one letter"),
        ({"options": ["A. x", "B. y"], "ground_truth": "C"}, "is not offered"),
    ],
)
def test_vsi_rows_that_cannot_be_asked_are_listed(
    tmp_path: Path, images: Path, changes: dict, reason: str
) -> None:
    items, skipped = run_import(tmp_path, "vsi-bench", [VSI[1], {**VSI[1], **changes}], images)
    assert len(items) == 1
    assert reason in skipped[0].reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1: not valid JSON"),
        ('{"id": 1}\n{"id"', "line 2: not valid JSON"),
        ("[1, 2]", "holds no list of objects"),
        ("[" * 100_000, "levels of brackets"),
        ('[{"id": ' + "9" * 400 + "}]", "400 digits"),
        ("", "holds no list of objects"),
        ('[{"id": 1}]', "none of its 1 rows can be asked"),
    ],
)
def test_an_unreadable_benchmark_file_is_refused(
    tmp_path: Path, images: Path, text: str, message: str
) -> None:
    file = tmp_path / "b.json"
    file.write_text(text)
    flags = {"format": "vsi-bench", "name": "b", "path": file, "images": images}
    flags |= {"out": tmp_path / "i", "pictures": tmp_path / "p", "skipped": tmp_path / "s"}
    words = [text for name, value in flags.items() for text in (f"--{name}", str(value))]
    done = subprocess.run(
        [sys.executable, "-m", "workflow_scripts.evaluate.benchmarks.import_benchmark", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not any((tmp_path / name).exists() for name in "ips")


def test_missing_folder_of_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"evaluate\.benchmarks\.bench\.images"):
        run_import(tmp_path, "vsi-bench", VSI, tmp_path / "nowhere")


def test_an_imported_benchmark_is_scored_under_its_own_metrics(
    tmp_path: Path, images: Path
) -> None:
    items, _ = run_import(tmp_path, "vsi-bench", VSI, images)
    replies = dict(
        zip((item.question_id for item in items), ["4", "2", "86", "far", "B."], strict=True)
    )
    for condition in ("image", "blind", "blank"):
        write_records(
            tmp_path / f"{condition}.jsonl",
            [
                Prediction(
                    experiment="e",
                    condition=condition,
                    question_id=name,
                    text=text if condition == "image" else "",
                )
                for name, text in replies.items()
            ],
        )
    score.main(
        questions=tmp_path / "items.jsonl",
        **{name: [tmp_path / f"{name}.jsonl"] for name in ("image", "blind", "blank")},
        experiment="e",
        benchmark="my-vsi",
        seed=7,
        out=tmp_path / "scores.parquet",
        settings=VlmScoreSettings(bootstrap_samples=100),
    )
    rows = pd.read_parquet(tmp_path / "scores.parquet").set_index(["family", "form", "metric"])
    assert set(rows["benchmark"]) == {"my-vsi"}
    value = rows["value"]
    assert value["object_counting", "named", "vsi_mra"] == 1
    # |2 - 1.5| / 1.5 = 1/3: below 1 - t for t = 0.50, 0.55, 0.60 and 0.65.
    assert value["object_abs_distance", "named", "mra"] == pytest.approx(0.4)
    assert value["object_size_estimation", "named", "vsi_mra"] == 1
    assert value["room_size_estimation", "named", "vsi_mra"] == 0
    assert value["object_rel_distance", "named", "vsi_accuracy"] == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_benchmarks_of_every_unicode_encoding_are_read(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "b.json"
    for text in ('[{"id": "ü"}]', '{"id": "ü"}\n'):
        file.write_bytes(text.encode(encoding))
        assert read_rows(file) == [{"id": "ü"}]
