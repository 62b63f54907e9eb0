"""The audit of questions finds what is put in: leaks, hanging objects, repeats, odd pairs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from testing.box_scenes import Box, room, write_shard
from tests.vqa.test_askable import camera
from tests.vqa.test_solvability import NUM_SCENES, PER_SCENE, SIZES_M, make_question, pairs, taller
from workflow_scripts.common.questions import QuestionTableWriter
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.vqa import ClaritySettings
from workflow_scripts.vqa import audit_questions
from workflow_scripts.vqa.audit_questions import ALL, TITLES, QuestionAuditRow

BOXES = [
    *room(8.0, 8.0),
    Box("Sofa", (4.0, 6.5, 0.4), (1.7, 0.8, 0.8)),
    Box("Fridge", (5.6, 7.0, 0.9), (0.8, 0.7, 1.8)),
    Box("Bed", (4.0, 1.2, 0.3), (1.5, 2.0, 0.6)),
    Box("Vase", (4.3, 6.5, 0.95), (0.2, 0.2, 0.3)),
]


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> ViewShard:
    """Return a room seen twice one way and once the other way."""
    cameras = [camera((4.0, 4.0, 1.5), yaw_deg=yaw_deg) for yaw_deg in (0.0, 8.0, 180.0)]
    path = tmp_path_factory.mktemp("views") / "0000.zarr"
    return ViewShard.open(write_shard(path, {"house0": (BOXES, cameras)}))


def rows_of(questions, shards=()) -> dict[tuple[str, str], QuestionAuditRow]:
    rows = audit_questions.audit_rows(
        questions, shards, settings=ClaritySettings(min_pixels=5), resamples=200, seed=7
    )
    assert {row.measure for row in rows} <= set(TITLES)
    return {(row.measure, row.family): row for row in rows}


def leaking_questions():
    rng = np.random.default_rng(0)
    return [
        taller(n, one, other, word, (SIZES_M[one] > SIZES_M[other]) == (word == "taller"))
        for n, one, other, word in pairs(rng)
    ]


def test_a_family_that_words_give_away_stands_out():
    row = rows_of(leaking_questions())["words", "taller"]
    assert (row.n, row.num_scenes, row.chance) == (NUM_SCENES * PER_SCENE, NUM_SCENES, 0.5)
    assert row.low > 0.85
    assert row.low <= row.share <= row.high


def test_repeats_and_common_answers_are_counted():
    questions = [
        make_question(n, "Is the sofa wide?", "yes" if n % 4 else "no", "sofa") for n in range(40)
    ]
    rows = rows_of(questions)
    assert rows["near_repeats", ALL].share == pytest.approx(39 / 40)
    assert rows["commonest_answer", "taller"].share == pytest.approx(0.75)


def test_pairs_of_views_that_share_nothing_are_counted(shard):
    source, ids = str(shard.group.attrs["source"]), shard.views["view_id"].tolist()

    def pair(number, one, other):
        return make_question(
            number, "Did the camera turn left?", "yes", source=source, scene_id="house0",
            view_id=f"{ids[one]}+{ids[other]}", images=["a.jpg", "b.jpg"],
        )  # fmt: skip

    rows = rows_of([pair(0, 0, 1), pair(1, 0, 2)], [shard])
    for measure in ("no_common_object", "little_overlap"):
        assert (rows[measure, ALL].n, rows[measure, ALL].share) == (2, 0.5)


def test_objects_that_hang_are_counted(shard):
    objects = shard.objects.copy()
    objects["contact"], objects["support_z_m"] = "", 0.0
    is_on_another = objects["category"].isin(["Vase", "Sofa"])
    objects.loc[is_on_another, "contact"] = "carried"
    objects.loc[objects["category"] == "Vase", "support_z_m"] = 0.7
    objects.loc[objects["category"] == "Fridge", "contact"] = "unclear"
    shard.__dict__["objects"] = objects
    rows = rows_of([], [shard])
    assert (rows["hanging", ALL].n, rows["hanging", ALL].share) == (2, 0.5)
    assert rows["unclear_contact", ALL].share == pytest.approx(1 / 3)


def test_the_command_writes_a_table_and_a_page(tmp_path: Path, shard):
    table = tmp_path / "train.parquet"
    with atomic_write(table, checksum=True) as partial, QuestionTableWriter(partial) as writer:
        writer.add(leaking_questions()[:120])
    audit_questions.main(
        questions=(table,),
        views=(shard.path,),
        out=tmp_path / "audit.csv",
        report=tmp_path / "audit.html",
        settings=ClaritySettings(),
        bootstrap_samples=100,
        seed=7,
    )
    written = pd.read_csv(tmp_path / "audit.csv", keep_default_na=False, na_values=[""])
    assert set(QuestionAuditRow.model_fields) == set(written.columns)
    assert "words" in set(written.measure)
    text = (tmp_path / "audit.html").read_text()
    for title in TITLES.values():
        assert title.capitalize() in text
