"""The commands that write what is asked about scans, and that merge it."""

from pathlib import Path

import pandas as pd
import pytest

from tests.vqa.scans.simulated import run_generate
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.scan_samples import ProposalRow, ScanSample
from workflow_scripts.common.storage import read_records, read_table, write_records, write_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.scan_questions import SCAN_QUESTION_TYPES as NAMES
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans import merge
from workflow_scripts.vqa.scans.generate import generate_samples, read_rooms
from workflow_scripts.vqa.scans.question_types import SCAN_QUESTION_TYPES
from workflow_scripts.vqa.scans.scan_context import read_context


def test_the_configuration_names_every_generator() -> None:
    assert tuple(SCAN_QUESTION_TYPES) == NAMES


def test_samples_and_proposals_of_a_shard(scan_shard: Path, samples_path: Path) -> None:
    samples = read_records(samples_path, ScanSample)
    assert len({sample.sample_id for sample in samples}) == len(samples) > 50
    table = read_table(samples_path.with_name("0000.proposals.parquet"))
    assert list(table.columns) == list(ProposalRow.model_fields)
    boxes = {
        (row.scene_id, row.instance): (
            *(row.x_m, row.y_m, row.z_m),
            *(row.width_m, row.depth_m, row.height_m),
        )
        for row in table.itertuples()
    }
    for _, rows in table.groupby("scene_id"):
        assert rows.proposal.tolist() == list(range(len(rows)))
    for sample in samples:
        assert len(sample.targets) == len(sample.target_boxes)
        for target, box in zip(sample.targets, sample.target_boxes, strict=True):
            assert boxes[sample.scene_id, target] == pytest.approx(box)
        assert sample.reasoning
        assert sample.margin > 0
        assert sample.evidence


def test_annotated_scans_offer_every_object_or_a_detectors_boxes(
    scan_shard: Path, tmp_path: Path
) -> None:
    objects = ViewShard.open(scan_shard).objects
    path = run_generate(scan_shard, tmp_path, predicted_boxes=(), generated=False)
    assert read_records(path, ScanSample) == []
    table = read_table(path.with_name("0000.proposals.parquet"))
    for scene_id, rows in table.groupby("scene_id"):
        assert rows.instance.tolist() == objects.instance[objects.scene_id == scene_id].tolist()
        assert rows.proposal.tolist() == list(range(len(rows)))


def test_only_what_the_chosen_frames_show_is_proposed(scan_shard: Path, samples_path: Path) -> None:
    shard = ViewShard.open(scan_shard)
    frames = read_table(scan_shard.with_name("0000.frames.parquet"))
    table = read_table(samples_path.with_name("0000.proposals.parquet"))
    visible = shard.visibility[shard.visibility["view"].isin(frames["view"])]
    enough = visible[(visible.pixels >= 12) & (visible.fraction_visible >= 0.3)]
    shown = set(zip(enough.scene_id, enough.instance, strict=True))
    kinds = shard.objects.set_index(["scene_id", "instance"]).kind
    expected = {key for key in shown if kinds[key] == "object"}
    assert set(zip(table.scene_id, table.instance, strict=True)) == expected


def test_equal_seeds_give_equal_bytes_and_other_seeds_other_samples(
    scan_shard: Path, samples_path: Path, tmp_path: Path
) -> None:
    again = run_generate(scan_shard, tmp_path / "again")
    assert again.read_bytes() == samples_path.read_bytes()
    other = run_generate(scan_shard, tmp_path / "other", seed=8)
    assert other.read_bytes() != samples_path.read_bytes()


def test_a_scan_does_not_depend_on_the_others(scan_shard: Path, samples_path: Path) -> None:
    shard = ViewShard.open(scan_shard)
    frames = read_table(scan_shard.with_name("0000.frames.parquet"))
    rooms = read_rooms(scan_shard.with_name("scenes.jsonl"))
    settings = ScanQuestionSettings(min_pixels=12)
    context = read_context(shard, frames, rooms["scan-1"], settings, "scan-1")
    samples, _ = generate_samples(context, settings, seed=7)
    written = read_records(samples_path, ScanSample)
    assert samples == [sample for sample in written if sample.scene_id == "scan-1"]


def test_limits_are_counted(scan_shard: Path, tmp_path: Path) -> None:
    path = run_generate(scan_shard, tmp_path, samples_per_type=1)
    samples = read_records(path, ScanSample)
    counts = pd.Series([(s.scene_id, s.task, s.question_type) for s in samples]).value_counts()
    assert counts.max() == 1
    rows = read_records(path.with_name("0000.scan_samples.dropped.jsonl"), DroppedQuestions)
    assert any(row.reason == "more than 1 of this type about a scan" for row in rows)


def test_a_scan_without_frames_is_a_row_and_all_without_are_an_error(
    scan_shard: Path, tmp_path: Path
) -> None:
    frames = read_table(scan_shard.with_name("0000.frames.parquet"))
    path = run_generate(scan_shard, tmp_path / "all", min_pixels=10**6)
    assert read_records(path, ScanSample) == []
    rows = read_records(path.with_name("0000.scan_samples.dropped.jsonl"), DroppedQuestions)
    assert len(rows) == frames.scene_id.nunique()
    assert all("its chosen frames show no object well enough" in row.reason for row in rows)
    with pytest.raises(UserError, match=r"nothing can be asked about any scan.*min_pixels"):
        merge.main(
            samples=[path],
            dropped=[path.with_name("0000.scan_samples.dropped.jsonl")],
            out=tmp_path / "merged",
            seed=7,
        )


def test_merged_samples_are_all_samples_by_split(samples_path: Path, tmp_path: Path) -> None:
    samples = read_records(samples_path, ScanSample)
    moved = [
        sample.model_copy(update={"split": "test"}) if sample.scene_id == "scan-1" else sample
        for sample in samples
    ]
    write_records(tmp_path / "a.jsonl", moved)
    merge.main(samples=[tmp_path / "a.jsonl"], dropped=[], out=tmp_path, seed=7)
    merged = {
        split: read_records(tmp_path / f"{split}.jsonl", ScanSample)
        for split in ("train", "val", "test")
    }
    assert merged["val"] == []
    assert {sample.scene_id for sample in merged["test"]} == {"scan-1"}
    assert sum(map(len, merged.values())) == len(samples)


def test_ids_and_splits_that_contradict_are_refused(samples_path: Path, tmp_path: Path) -> None:
    samples = read_records(samples_path, ScanSample)
    write_records(tmp_path / "a.jsonl", samples)
    write_records(tmp_path / "b.jsonl", samples[:1])
    with pytest.raises(UserError, match=r"b.jsonl: sample_id .* is also in"):
        merge.main(
            samples=[tmp_path / "a.jsonl", tmp_path / "b.jsonl"], dropped=[], out=tmp_path, seed=7
        )
    leaked = [samples[0].model_copy(update={"split": "test"}), *samples[1:]]
    write_records(tmp_path / "c.jsonl", leaked)
    with pytest.raises(UserError, match="has samples in"):
        merge.main(samples=[tmp_path / "c.jsonl"], dropped=[], out=tmp_path, seed=7)


def test_published_samples_may_be_validated_and_scored_on_one_scan(
    samples_path: Path, tmp_path: Path
) -> None:
    samples = read_records(samples_path, ScanSample)[:3]
    splits = ("val", "test", "test")
    mixed = [s.model_copy(update={"split": x}) for s, x in zip(samples, splits, strict=True)]
    write_records(tmp_path / "a.jsonl", mixed)
    merge.main(samples=[tmp_path / "a.jsonl"], dropped=[], out=tmp_path, seed=7)
    assert len(read_records(tmp_path / "test.jsonl", ScanSample)) == 2
    trained = [*mixed, mixed[0].model_copy(update={"split": "train", "sample_id": "other"})]
    write_records(tmp_path / "b.jsonl", trained)
    with pytest.raises(UserError, match="has samples in train and val"):
        merge.main(samples=[tmp_path / "b.jsonl"], dropped=[], out=tmp_path, seed=7)


def test_scans_whose_gravity_is_not_known_are_a_row(scan_shard: Path) -> None:
    shard = ViewShard.open(scan_shard)
    shard.__dict__["views"] = shard.views.assign(pose_source="none")
    frames = read_table(scan_shard.with_name("0000.frames.parquet"))
    with pytest.raises(UserError, match="gravity is not known"):
        read_context(shard, frames, (), ScanQuestionSettings(), "scan-0")


def test_a_question_type_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UserError, match=r"question_types.*'colours'.*grounding"):
        ScanQuestionSettings.parse({"question_types": ["colours"]})


def test_damaged_frames_are_refused(scan_shard: Path, tmp_path: Path) -> None:
    frames = read_table(scan_shard.with_name("0000.frames.parquet"))
    write_table(tmp_path / "x.parquet", frames)
    content = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "x.parquet").write_bytes(content[:-10])
    with pytest.raises(UserError):
        read_table(tmp_path / "x.parquet")
