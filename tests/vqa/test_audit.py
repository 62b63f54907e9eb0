"""The label audit: right labels have no errors, wrong ones are found, the blind are scored."""

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from testing.box_scenes import living_room_scene, write_shard
from testing.vqa.scenes import DEFAULT_MARGINS
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.measurements import GroundTruthShard
from workflow_scripts.common.questions import Question, QuestionTableWriter, Referent
from workflow_scripts.common.records import GapRow, GravityRow, MeasuredRow, records_to_frame
from workflow_scripts.common.storage import atomic_write, write_table
from workflow_scripts.common.view_shard import ViewShard, table_path
from workflow_scripts.config.evaluate import BootstrapSettings
from workflow_scripts.config.vqa import ClaritySettings
from workflow_scripts.vqa import audit, audit_table
from workflow_scripts.vqa.audit import AuditFact, audit_view
from workflow_scripts.vqa.audit_table import AuditRow, audit_rows
from workflow_scripts.vqa.blind import blind_scores, template_of
from workflow_scripts.vqa.view_context import ViewContext, ViewContexts

RNG = partial(np.random.default_rng, 3)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> ViewShard:
    path = tmp_path_factory.mktemp("views") / "0000.zarr"
    return ViewShard.open(write_shard(path, {"house-a": living_room_scene(160, 160)}))


@pytest.fixture(scope="module")
def view_context(shard: ViewShard) -> ViewContext:
    return ViewContexts(shard, GroundTruthShard(shard), min_pixels=20, min_fraction_visible=0.1).of(
        0
    )


def audit_facts(view_context: ViewContext, **changes: np.ndarray) -> pd.DataFrame:
    """Audit a view whose labels differ from the truth by some changes."""
    labelled = dataclasses.replace(
        view_context, measured=dataclasses.replace(view_context.measured, **changes)
    )
    return pd.DataFrame(
        [
            (family.name, fact.answer, answer, fact.value, number)
            for family, fact, answer, number in audit_view(
                view_context, labelled, margins=DEFAULT_MARGINS, rng=RNG
            )
        ],
        columns=["family", "answer", "true_answer", "value", "number"],
    )


def test_true_labels_have_no_errors(view_context):
    facts = audit_facts(view_context)
    assert facts.family.nunique() > 30
    numbers = facts[facts.number.notna()]
    np.testing.assert_array_equal(numbers.value, numbers.number)
    choices = facts[facts.number.isna()]
    assert (choices.answer == choices.true_answer).all()


def test_a_wrong_height_is_found_in_the_families_that_use_it(view_context):
    size = view_context.measured.size_m.copy()
    size[:, 2] = size[::-1, 2]
    facts = audit_facts(view_context, size_m=size)
    taller = facts[facts.family == "taller"]
    assert (taller.answer != taller.true_answer).any()
    heights = facts[facts.family == "height"]
    assert (heights.value != heights.number).any()
    left = facts[facts.family == "left_right"]
    assert len(left)
    assert (left.answer == left.true_answer).all()


def test_a_fact_counts_once_however_it_is_put(view_context):
    taller = audit_facts(view_context).query("family == 'taller'")
    number = len(view_context)
    assert 0 < len(taller) <= number * (number - 1) / 2


def tables(shard: ViewShard, folder: Path, *, stretch: float) -> Path:
    """Write what measuring with a wrong scale might give, for the first view."""
    clouds = folder / "0000.zarr"
    true = GroundTruthShard(shard)
    rows = []
    for view in range(len(shard)):
        one = true.of(view)
        for index, instance in enumerate(one.instance.tolist()):
            values = {
                name: {float: 0.01, int: 1, bool: False, str: ""}.get(field.annotation, "object")
                for name, field in MeasuredRow.model_fields.items()
            }
            values |= dict(zip(("x_m", "y_m", "z_m"), one.centre_m[index], strict=True))
            sides = ("width_m", "depth_m", "height_m")
            values |= dict(zip(sides, stretch * one.size_m[index], strict=True))
            box = dict(zip(("x0", "y0", "x1", "y1"), one.box_px[index].tolist(), strict=True))
            values |= box | {"view": view, "scene_id": one.scene_id, "instance": instance}
            values |= {"label": one.label[index], "kind": one.kind[index], "pixels": 1000}
            values |= {"distance_m": one.distance_m[index], "nearest_m": one.nearest_m[index]}
            rows.append(MeasuredRow(**values))
    gravity = [true.of(view).gravity for view in range(len(shard))]
    write_table(table_path(clouds, "gravity"), records_to_frame(gravity, GravityRow))
    write_table(table_path(clouds, "measured"), records_to_frame(rows, MeasuredRow))
    write_table(table_path(clouds, "gaps"), records_to_frame([], GapRow))
    return clouds


def test_a_view_that_fails_costs_itself(shard, tmp_path, monkeypatch):
    clouds = tables(shard, tmp_path / "clouds", stretch=1.1)
    facts = tmp_path / "0000.audit.parquet"
    whole = audit.audit_view

    def run(*failing: int) -> pd.DataFrame:
        def audited(true, labelled, **options):
            if true.measured.view in failing:
                raise ZeroDivisionError("no size")
            return whole(true, labelled, **options)

        monkeypatch.setattr(audit, "audit_view", audited)
        audit.main(
            views=shard.path, out=facts, labels=("clouds",), clouds=(clouds,), seed=7,
            settings=ClaritySettings(min_pixels=20),
        )  # fmt: skip
        return pd.read_parquet(facts)

    rows = run(0)
    failed = rows[rows.reason != ""]
    assert failed.view.tolist() == [0]
    assert failed.reason.tolist() == ["ZeroDivisionError: no size"]
    assert set(rows[rows.reason == ""].view) == set(range(1, len(shard)))
    with pytest.raises(ZeroDivisionError):
        run(*range(len(shard)))


def test_commands_write_the_table_and_the_picture(shard, tmp_path):
    clouds = tables(shard, tmp_path / "clouds", stretch=1.1)
    facts = tmp_path / "0000.audit.parquet"
    main = partial(audit.main, views=shard.path, out=facts, seed=7)
    settings = ClaritySettings(min_pixels=20)
    with pytest.raises(UserError, match="2 names for 1"):
        main(labels=("clouds", "sensor_noise"), clouds=(clouds,), settings=settings)
    main(labels=("clouds",), clouds=(clouds,), settings=settings)
    assert list(pd.read_parquet(facts).columns) == list(AuditFact.model_fields)
    questions = tmp_path / "train.parquet"
    with atomic_write(questions, checksum=True) as file, QuestionTableWriter(file) as out:
        out.add([make_question(house, "yes") for house in range(10)])
    csv, png = tmp_path / "audit.csv", tmp_path / "audit.png"
    text_only = tmp_path / "text_only.csv"
    text_only.write_text(
        "family,split,num_before,score_before,num_after,score_after\nheight,train,30,0.9,10,0.4\n"
        "height,test,10,0.5,10,0.6\nwidth,train,4,1.0,0,\n"
    )
    audit_table.main(
        facts=(facts,),
        questions=(questions,),
        out=csv,
        picture=png,
        text_only=text_only,
        settings=BootstrapSettings(bootstrap_samples=100),
        seed=7,
    )
    written = pd.read_csv(csv)
    assert list(written.columns) == list(AuditRow.model_fields)
    assert png.stat().st_size > 10_000
    height = written[(written.family == "height") & (written.labels == "clouds")].iloc[0]
    assert height.n > 0
    assert height.median_rel_error == pytest.approx(0.1, abs=1e-3)
    assert height.within_25pct == 1.0
    assert (height.text_only_before, height.text_only_after) == pytest.approx((0.8, 0.5))
    width = written[written.family == "width"].iloc[0]
    assert width.text_only_before == 1
    assert np.isnan(width.text_only_after)
    truth = written[written.labels == "truth"]
    assert truth.error_rate.fillna(0).max() == 0
    assert truth.median_abs_error.fillna(0).max() == 0


def test_rows_count_errors_of_clear_facts_only_and_have_intervals_over_houses():
    facts = [
        AuditFact(
            labels=labels,
            source="procthor",
            scene_id=f"house-{house}",
            view=0,
            family="taller",
            is_number=False,
            unit="ratio",
            is_unclear=house == 3,
            is_wrong=labels == "clouds" and house == 0,
            value=1.0,
            truth=float("nan"),
            sigma=0.0,
        )
        for labels in ("truth", "clouds")
        for house in range(4)
    ]
    rows = audit_rows(records_to_frame(facts, AuditFact), {}, resamples=200, seed=7)
    row = next(row for row in rows if (row.family, row.labels) == ("taller", "clouds"))
    assert (row.n, row.num_scenes, row.asked_share) == (4, 4, 1.0)
    assert row.unclear_rate == 0.25
    assert row.error_rate == pytest.approx(1 / 3)
    assert row.error_low == 0.0
    assert 1 / 3 < row.error_high <= 1.0


def make_question(house: int, truth: str, *, text: str = "Is the sofa wide?", kind: str = "yes_no"):
    return Question(
        question_id=f"q{house}",
        source="procthor",
        scene_id=f"house-{house}",
        split="train",
        view=0,
        view_id="v-0",
        image="x.jpg",
        family="wide",
        form="named",
        kind=kind,
        question=text,
        answer=truth,
        answer_type="choice",
        choices=["yes", "no"] if kind == "yes_no" else ["sofa", "lamp"],
        truth=truth,
        margin=1.0,
        margin_unit="m",
        referents=[Referent(instance=1, object_id="s", category="Sofa", phrase="the sofa")],
    )


def test_a_template_has_no_objects():
    assert template_of(make_question(0, "yes")) == "is {0} wide?"


def test_a_prior_is_what_the_blind_know():
    constant_prior = blind_scores(make_question(house, "yes") for house in range(10))
    assert constant_prior["wide"].score == 1.0
    assert constant_prior["wide"].n == 10
    mixed = blind_scores(make_question(house, "yes" if house % 2 else "no") for house in range(100))
    assert mixed["wide"].score <= 0.6
    first = blind_scores(
        make_question(house, "sofa", text="Which is larger, the sofa or it?", kind="which")
        for house in range(10)
    )
    assert first["wide"].score == 1.0


def test_one_house_alone_teaches_nothing():
    assert np.isnan(blind_scores([make_question(0, "yes")])["wide"].score)
