"""The page: self-contained, complete, safe with any text, the same bytes every time."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.vqa.export.questions import (
    SOFA,
    THE_SOFA,
    question,
    width,
    write_questions,
    write_views,
)
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.storage import ShardWriter, atomic_write, remove, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.vqa import GallerySettings
from workflow_scripts.pointclouds import measure_objects
from workflow_scripts.sources.readers.photo_records import PhotoDropCount
from workflow_scripts.vqa.browse import page
from workflow_scripts.vqa.browse.balance import Balance
from workflow_scripts.vqa.browse.clouds import EDGES, cloud
from workflow_scripts.vqa.browse.select_images import Candidate, select_images


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_views(tmp_path)
    rows = [
        DroppedQuestions(
            source="procthor", family="width", form="named", reason="a <b>", count=1234
        )
    ]
    write_records(tmp_path / "dropped.jsonl", rows)
    return tmp_path


def write(results: Path, questions: list, **inputs) -> str:
    table = write_questions(results / "vqa/train.parquet", questions)
    out = results / "vqa/gallery.html"
    page.main(
        questions=[table],
        dropped=[results / "dropped.jsonl"],
        views=[results / "views/procthor/0000.zarr"],
        images=results / "vqa",
        out=out,
        settings=GallerySettings(),
        seed=7,
        **inputs,
    )
    return out.read_text()


def content(text: str, name: str):
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', text, re.S)
    return json.loads(found[1])


def test_page_holds_questions_evidence_boxes_and_clouds_and_asks_nobody(results: Path) -> None:
    boxed = THE_SOFA.model_copy(update={"box": (3.0, 4.0, 50.0, 60.0)})
    text = write(results, [question(0), width(1, referents=[boxed]), width(2, view=1)])
    assert not re.search(r'(?:src|href)="(?!data:|#)|https?://(?!www\.w3\.org)', text)
    first, second = content(text, "cards")
    assert [one["question_id"] for one in first["questions"]] == [
        "procthor-a-000-00",
        "procthor-a-000-01",
    ]
    assert first["questions"][0]["evidence"] == {"difference_px": 40.0}
    assert first["questions"][1]["objects"][0]["box"] == [3.0, 4.0, 50.0, 60.0]
    assert first["image"].startswith("data:image/jpeg;base64,")
    assert set(content(text, "clouds")) == {first["cloud"], second["cloud"]}
    assert "1,234" in text
    assert "a &lt;b&gt;" in text


def test_any_text_is_safe(results: Path) -> None:
    nasty = '</script><script>alert("x")</script><!-- \u2028 & "quoted" 沙发'
    text = write(results, [question(0, question=nasty, family="<i>", answer=nasty)])
    assert "<script>alert" not in text
    assert content(text, "cards")[0]["questions"][0]["question"] == nasty
    assert "<i>" not in text


def test_same_input_same_bytes(results: Path) -> None:
    page_questions = [question(0), width(1), width(2, view=1)]
    assert write(results, page_questions) == write(results, page_questions)


def test_no_question_gives_a_page_that_says_so(results: Path) -> None:
    text = write(results, [])
    assert content(text, "cards") == []
    assert "0 questions about 0 pictures" in text


def test_a_broken_picture_is_named(results: Path) -> None:
    (results / "vqa/procthor/0000.images/a-000.jpg").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"a-000\.jpg"):
        write(results, [question(0)])
    assert not (results / "vqa/gallery.html").exists()


def test_pictures_are_chosen_to_show_every_family_first() -> None:
    common = ("left_right", "named", "yes")
    rare = ("width", "marked", "open")
    candidates = [Candidate(f"{n}.jpg", "train", frozenset([common])) for n in range(30)]
    candidates.append(Candidate("rare.jpg", "train", frozenset([rare])))
    picked = select_images(candidates, num_images=2, seed=7)
    assert "rare.jpg" in picked
    assert select_images(reversed(candidates), num_images=2, seed=7) == picked
    assert len(select_images(candidates, num_images=100, seed=7)) == 31


def test_cloud_points_lie_on_their_objects(results: Path) -> None:
    shard = ViewShard.open(results / "views/procthor/0000.zarr")
    found = cloud(shard, 0)
    points = np.frombuffer(base64.b64decode(found.points), "<i2").reshape(-1, 3)
    instances = np.frombuffer(base64.b64decode(found.instances), "<u2")
    colours = np.frombuffer(base64.b64decode(found.colours), np.uint8)
    assert len(points) == len(instances) == len(colours) / 3
    corners = np.array(found.boxes[SOFA])
    sofa = points[instances == SOFA]
    assert len(sofa) > 10
    # Seen points are on the box's surface; the slack is the rounding to millimetres.
    assert (sofa >= corners.min(axis=0) - 2).all()
    assert (sofa <= corners.max(axis=0) + 2).all()
    lengths = sorted(float(np.linalg.norm(corners[a] - corners[b])) for a, b in EDGES)
    assert lengths == pytest.approx([800] * 8 + [1800] * 4, abs=2)


def estimated_depth(results: Path, scale: float) -> Path:
    """Write a group of depth as an estimator that is wrong by a factor would."""
    shard = ViewShard.open(results / "views/procthor/0000.zarr")
    path = results / "depth/procthor/0000.zarr"
    depth_m = np.stack([scale * shard.depth_m(view) for view in range(len(shard))])
    with atomic_write(path, checksum=True) as partial:
        writer = ShardWriter(partial, {})
        writer.add("depth_m", depth_m.astype(np.float32), dims=("view", "y", "x"), attributes={})
    return path


def test_clouds_and_boxes_are_those_that_answers_follow_from(results: Path) -> None:
    """With an estimator's depth, twice too long, points and measured boxes are twice as large."""
    views = results / "views/procthor/0000.zarr"
    boxes = {}
    for scale in (1.0, 2.0):
        depth = estimated_depth(results, scale)
        out = results / "pointclouds/procthor/0000"
        measure_objects.main(views=views, depth=depth, out=out, depth_kind="exact", seed=7)
        text = write(results, [width(1)], depth=(depth,), measured=(out.with_suffix(".zarr"),))
        corners = np.array(content(text, "clouds")["procthor/a-000"]["boxes"][str(SOFA)])
        boxes[scale] = np.ptp(corners, axis=0)
        remove(depth)
    assert boxes[2.0] == pytest.approx(2 * boxes[1.0], rel=0.02)
    assert boxes[1.0].max() == pytest.approx(1800, rel=0.1)


def test_what_became_of_photos_is_on_the_page(results: Path) -> None:
    rows = [
        PhotoDropCount(source="images", step="scenes", unit="photo", reason=reason, count=count)
        for reason, count in (("", 12), ("broken", 1), ("tiny", 3))
    ]
    write_records(results / "photos.jsonl", rows)
    text = write(results, [question(0)], photos=(results / "photos.jsonl",) * 2)
    assert "24 photos" in text
    assert "tiny 6, broken 2" in text
    assert "step by step" not in write(results, [question(0)])


def test_balance_counts_places_of_mention_not_names() -> None:
    balance = Balance()
    for number, winner in enumerate(["sofa", "lamp", "sofa"]):
        balance.add(
            question(number, kind="which", choices=["sofa", "lamp"], truth=winner, answer=winner)
        )
    balance.add(question(9, kind="yes_no"))
    [distribution] = balance.distributions
    assert distribution.num == 4
    assert dict(distribution.truths) == {"first named": 2, "second named": 1, "yes": 1}
    assert sum(share for _, share, _ in distribution.bars) == pytest.approx(1)
    assert balance.by_split == {"train": 4}


def test_balance_of_numbers_is_a_histogram() -> None:
    balance = Balance()
    for number, length in enumerate([1.0, 1.0, 3.0]):
        balance.add(width(number, truth=length))
    heights, least, greatest = balance.distributions[0].histogram
    assert (least, greatest, heights[0], heights[-1]) == (1.0, 3.0, 1.0, 0.5)


def test_one_value_is_one_bin() -> None:
    balance = Balance()
    balance.add(width(0, truth=2.0))
    assert balance.distributions[0].histogram == ([1.0], 2.0, 2.0)
