"""Scoring of reconstructed rooms from files to rows, in every format, with replies of all kinds."""

import re
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.evaluate.reconstruction.rooms import (
    CONDITIONS,
    RoomRun,
    question_id,
    room_records,
    truth,
    write_measured,
    write_run,
)
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Prediction
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.config.reconstruction import LayoutTextSettings
from workflow_scripts.evaluate import merge, report
from workflow_scripts.evaluate.reconstruction import score
from workflow_scripts.evaluate.reconstruction.room_metrics import ROOM_METRICS
from workflow_scripts.evaluate.score_table import read_eval, read_scores
from workflow_scripts.experiments.reconstruction import ReconstructionScoreSettings

EXACT_LISTS = LayoutTextSettings(precision_m=0.001, yaw_step_deg=1, min_pixels=1)
FORMATS = {
    "object_list": EXACT_LISTS,
    "r2d3": LayoutTextSettings(format="r2d3", frame="world", objects="all"),
    "spatiallm": LayoutTextSettings(format="spatiallm", frame="room", objects="all"),
    "qwen3vl": LayoutTextSettings(format="qwen3vl", frame="opencv_camera", min_pixels=1),
}


def score_settings(layout: LayoutTextSettings, **changes: object) -> ReconstructionScoreSettings:
    return ReconstructionScoreSettings(layout=layout, bootstrap_samples=100, **changes)


def scores_of(run: RoomRun, layout: LayoutTextSettings, **changes: object) -> pd.DataFrame:
    arguments = {**run.arguments(), "settings": score_settings(layout), **changes}
    score.main(**arguments)
    return read_scores(arguments["out"])


def value(rows: pd.DataFrame, metric: str, family: str = "all", method: str = "learned") -> float:
    chosen = rows[
        (rows["metric"] == metric) & (rows["family"] == family) & (rows["method"] == method)
    ]
    assert len(chosen) == 1, (metric, family, method, len(chosen))
    return float(chosen["value"].iloc[0])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RoomRun:
    return write_run(tmp_path_factory.mktemp("run"), room_records(8, 6))


@pytest.mark.parametrize("name", FORMATS)
def test_the_truth_in_any_format_is_right_in_one_frame(run: RoomRun, name: str) -> None:
    layout = FORMATS[name]
    for condition in CONDITIONS:
        run.answer(condition, truth(layout))
    rows = scores_of(run, layout)
    family = layout.objects
    for metric in ("f1_25cm", "f1_50cm", "f1_1m", "precision_1m", "recall_25cm"):
        assert value(rows, metric, family) == 1.0, metric
    assert value(rows, "unreadable_rooms") == 0
    assert value(rows, "yaw_error_deg", family) <= 0.6
    assert value(rows, "centre_error_m", family) <= 0.01
    assert value(rows, "ap3d", family) == pytest.approx(1.0)
    assert value(rows, "ods", family) > 0.95
    if name in ("r2d3", "spatiallm"):
        assert value(rows, "recall_1m", "hidden") == 1
    if name == "r2d3":
        assert value(rows, "floor_iou") > 0.98
    assert value(rows, "f1_1m", family, "retrieval") < 1
    if family == "visible":
        assert value(rows, "recall_1m", "hidden") < 1


def test_published_metrics_can_be_switched_off(run: RoomRun) -> None:
    layout = FORMATS["spatiallm"]
    for condition in CONDITIONS:
        run.answer(condition, truth(layout))
    published = {metric.name for metric in ROOM_METRICS if metric.is_published}
    on = set(scores_of(run, layout)["metric"])
    assert {"ObjectLocationAcc", "ObjectDistancesAcc"} <= on & published
    off = set(
        scores_of(run, layout, settings=score_settings(layout, published_metrics=False))["metric"]
    )
    assert not off & published
    assert on - off <= published


def test_a_model_with_the_picture_gains_on_one_without_and_on_retrieval(run: RoomRun) -> None:
    run.answer("image", truth(EXACT_LISTS))
    run.answer("blind", lambda record: "bed at 0 1 0 size 1 1 1 yaw 0;")
    run.answer("blank", lambda record: "")
    rows = scores_of(run, EXACT_LISTS, measured=(write_measured(run),))
    best = rows[(rows["metric"] == "f1_1m") & (rows["family"] == "visible")].set_index("method")
    assert set(best.index) == {"learned", "retrieval", "measured"}
    learned = best.loc["learned"]
    assert learned["blank"] == 0
    rival = max(learned["blind"], best.loc["retrieval", "value"])
    assert learned["gain"] == pytest.approx(1 - rival, abs=1e-9)
    assert 0 < learned["gain_low"] <= learned["gain"] <= learned["gain_high"]
    assert best.loc["measured", "value"] == 1
    assert value(rows, "size_error", "visible", "measured") == pytest.approx(0.5)
    assert Image.open(run.arguments()["plans"]).width > 600
    headline = rows[rows["is_headline"]]
    assert set(headline["metric"]) == {"f1_50cm", "f1_1m", "ap3d", "unreadable_rooms"}
    table = run.folder / "eval.csv"
    merge.main(scores=[run.arguments()["out"]], out=table)
    assert len(read_eval(table)) == len(headline)


def test_the_report_shows_scores_beside_baselines_and_plans(run: RoomRun) -> None:
    for condition in CONDITIONS:
        run.answer(
            condition, truth(EXACT_LISTS) if condition == "image" else lambda record: "none;"
        )
    scores_of(run, EXACT_LISTS, measured=(write_measured(run),))
    experiment = report.ReportedExperiment(
        name="rooms",
        section="rooms.html.j2",
        scores=[run.arguments()["out"]],
        metrics=None,
        pictures={"rooms": run.arguments()["plans"]},
    )
    section = report.experiment_section(experiment)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(report.__file__).parent),
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["format_number"] = report.format_number
    page = environment.get_template(section["template"]).render(experiment=section)
    rows = [re.findall(r"<td>(.*?)</td>", line) for line in page.split("<tr>")]
    cells = {row[1]: row for row in rows if row}
    assert list(cells) == ["unreadable_rooms", "f1_50cm", "f1_1m", "ap3d"]
    objects, _, model, _, blind, _, _, measured, *_ = cells["f1_1m"]
    assert (objects, model, blind, measured) == ("visible", "<b>1.000</b>", "0.000", "1.000")
    assert "data:image/jpeg" in page


def test_what_cannot_be_read_has_missed_everything(run: RoomRun) -> None:
    right = truth(EXACT_LISTS)
    scored = run.scored
    odd = {
        scored[0].view_id: "",
        scored[1].view_id: "I see a bed and a chair.",
        scored[2].view_id: "bed at nan 1 1 size 1 1 1 yaw 0;",
    }
    for condition in CONDITIONS:
        run.answer(condition, lambda record: odd.get(record.view_id, right(record)))
    rows = scores_of(run, EXACT_LISTS)
    assert value(rows, "unreadable_rooms") == 0.5
    num_visible = [sum(item.is_visible for item in record.objects) for record in scored]
    total, right_ones = sum(num_visible), sum(num_visible[3:])
    assert value(rows, "recall_1m", "visible") == pytest.approx(right_ones / total)
    assert value(rows, "f1_1m", "visible") == pytest.approx(2 * right_ones / (total + right_ones))
    assert value(rows, "entries_left_out") > 0
    # As published, rooms that cannot be read are left out.
    location = value(rows, "ObjectLocationAcc", "target")
    assert value(rows, "corrected_location_recall", "target") < location == 1


def test_huge_replies_and_empty_rooms_are_scored(tmp_path: Path) -> None:
    records = list(room_records(4, 3))
    records[5] = records[5].model_copy(update={"objects": ()})
    without_floor = {"floor_polygon_m": (), "walls": (), "openings": ()}
    records[6] = records[6].model_copy(update=without_floor)
    run = write_run(tmp_path, records)
    replies = {record.view_id: truth(EXACT_LISTS)(record) for record in run.scored}
    replies[records[4].view_id] = "\n".join(
        f"Chair at {n % 97 / 10} {n // 97 / 10} 0.5 size 1 1 1 yaw 0;" for n in range(12_000)
    )
    replies[records[5].view_id] = "none;"
    for condition in CONDITIONS:
        run.answer(condition, lambda record: replies[record.view_id])
    rows = scores_of(run, EXACT_LISTS)
    assert value(rows, "unreadable_rooms") == 0
    assert value(rows, "count_error", "all") > 3000
    assert np.isfinite(rows["value"]).all()


def test_replies_that_are_missing_doubled_or_strange_are_named(run: RoomRun) -> None:
    for condition in CONDITIONS:
        run.answer(condition, truth(EXACT_LISTS))
    path = run.predictions("blind")
    rows = read_records(path, Prediction)
    first = question_id(run.scored[0])
    write_records(path, rows[1:])
    with pytest.raises(UserError, match=f"1 of 6 rooms have no answer, the first is {first}"):
        scores_of(run, EXACT_LISTS)
    write_records(path, [*rows, rows[0]])
    with pytest.raises(UserError, match=f"{first} is answered twice"):
        scores_of(run, EXACT_LISTS)
    write_records(path, [*rows, rows[0].model_copy(update={"question_id": "another"})])
    with pytest.raises(UserError, match="another is not a room that is scored"):
        scores_of(run, EXACT_LISTS)


def test_a_reply_that_a_server_refused_counts_as_unread(run: RoomRun) -> None:
    for condition in CONDITIONS:
        run.answer(condition, truth(EXACT_LISTS), refused=[run.scored[0].view_id])
    assert value(scores_of(run, EXACT_LISTS), "unreadable_rooms") == pytest.approx(1 / 6)


def test_every_row_is_a_metric_of_the_table_in_its_groups(run: RoomRun) -> None:
    for condition in CONDITIONS:
        run.answer(condition, truth(FORMATS["r2d3"]))
    rows = scores_of(run, FORMATS["r2d3"], measured=(write_measured(run),))
    known = {metric.name: metric for metric in ROOM_METRICS}
    for row in rows.itertuples():
        groups = known[row.metric].objects
        family = row.family if row.family in ("all", "visible", "hidden", "target") else "category"
        assert family in groups or (groups == ("rooms",) and family == "all"), row


def test_gains_over_other_experiments_are_paired_over_the_rooms_of_both(tmp_path: Path) -> None:
    run = write_run(tmp_path, room_records(8, 6))
    other_layout = FORMATS["r2d3"]
    for condition in CONDITIONS:
        run.answer(condition, truth(EXACT_LISTS))
    # The other experiment was asked about four of the rooms, in another format, and knows two.
    known, answered = ({record.view_id for record in run.scored[:count]} for count in (2, 4))
    replies = [
        Prediction(
            experiment="rooms-ft",
            condition="image",
            question_id=question_id(record),
            text=truth(other_layout)(record) if record.view_id in known else "[]",
        )
        for record in run.scored
        if record.view_id in answered
    ]
    path = tmp_path / "other.jsonl"
    write_records(path, replies)
    settings = score_settings(EXACT_LISTS, compared_layouts={"rooms-ft": other_layout})
    rows = scores_of(run, EXACT_LISTS, settings=settings, compared=(path,))
    beside = rows[rows["method"] == "against rooms-ft"]
    assert set(beside["baseline"]) == {"rooms-ft"}
    assert {"f1_50cm", "f1_1m"} <= set(beside["metric"])
    assert beside["is_headline"].all()
    row = beside[(beside["metric"] == "f1_50cm") & (beside["family"] == "visible")].iloc[0]
    counts = [int(np.sum([o.is_visible for o in r.objects])) for r in run.scored[:4]]
    # Entries of the two rooms that are known, over those of all four.
    expected = 2 * sum(counts[:2]) / (sum(counts) + sum(counts[:2]))
    assert (row["value"], row["n"]) == (1.0, 4)
    assert row["baseline_value"] == pytest.approx(expected)
    assert row["gain"] == pytest.approx(1 - expected)
    assert 0 <= row["gain_low"] <= row["gain"] <= row["gain_high"] <= 1


def test_a_compared_experiment_without_answers_is_named(tmp_path: Path) -> None:
    run = write_run(tmp_path, room_records(8, 6))
    for condition in CONDITIONS:
        run.answer(condition, truth(EXACT_LISTS))
    path = tmp_path / "other.jsonl"
    write_records(path, [])
    settings = score_settings(EXACT_LISTS, compared_layouts={"rooms-ft": EXACT_LISTS})
    with pytest.raises(UserError, match="no answers of experiment rooms-ft"):
        scores_of(run, EXACT_LISTS, settings=settings, compared=(path,))
