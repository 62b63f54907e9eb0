"""Source scans through the workflow: what runs, what runs again, and what users get wrong."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import yaml

from testing.posed_room import BOXES, PosedRoom, make_room
from testing.project import ROOT, WITHOUT_RLBENCH, Project
from testing.scan_layouts.nerfstudio import write_nerfstudio
from testing.scan_layouts.pictures import png
from testing.scan_layouts.stray_scanner import write_stray_scanner
from workflow_scripts.common.questions import Question
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.storage import read_records, read_table
from workflow_scripts.common.view_shard import ViewShard

SIMULATED = {"num_scans": 2, "scans_per_shard": 1, "frames": 4, "scan_unit": "room"}


def with_scans(folder: Path, **scans: object) -> Project:
    """Return a project whose only source is scans."""
    project = Project.create(folder)
    project.edit(WITHOUT_RLBENCH)
    project.edit({"sources": {"procthor": None, "scans": {**SIMULATED, **scans}}})
    return project


def rules_of(printed: str) -> set[str]:
    """Return the rules that a dry run lists in its table of jobs."""
    return set(re.findall(r"^(\w+) +\d+$", printed, re.MULTILINE))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run simulated scans up to their chosen frames once; do not change what it made."""
    project = with_scans(tmp_path_factory.mktemp("scans") / "project")
    project.snakemake("views", "--cores", "1")
    return project


def test_simulated_scans_have_views_and_chosen_frames(finished: Project) -> None:
    folder = finished.folder / "results/views/scans"
    for name in ("0000", "0001"):
        shard = ViewShard.open(folder / f"{name}.zarr")
        assert shard.views.frame.tolist() == [0, 1, 2, 3]
        chosen = read_table(folder / f"{name}.frames.parquet")
        assert 1 <= len(chosen) <= 4
        assert (folder / f"{name}.plan.png").is_file()
    printed = finished.snakemake("views", "--dry-run").stdout
    assert "Nothing to be done" in printed


@pytest.mark.parametrize("later_stages", [[], None])
def test_the_tiny_base_learns_from_scans_whatever_later_stages_take_them(
    tmp_path: Path, later_stages: list[str] | None
) -> None:
    project = Project.create(tmp_path / "project")
    project.edit({"sources": {"scans": {**SIMULATED, "later_stages": later_stages}}})
    project.edit({"train": {"tiny": {"sources": None}}})
    planned = project.planned_jobs("results/train/base/tiny.metrics.json")
    assert planned["render_walks"] == 2
    # What the objects of robot tasks are called says nothing about what they look like.
    assert "record_demonstrations" not in planned


def test_only_what_depends_on_a_setting_runs_again(finished: Project) -> None:
    def planned(*changes: str) -> set[str]:
        settings = ("--config", *changes) if changes else ()
        done = finished.snakemake("views", "--dry-run", *settings)
        return rules_of(done.stdout) - {"total", "views", "check_views"}

    scans = "num_scans: 2, scans_per_shard: 1, scan_unit: room"
    selection = f"sources={{scans: {{{scans}, frames: 4, selection: {{strategy: uniform}}}}}}"
    assert planned(selection) == {"select_frames"}
    longer = f"sources={{scans: {{{scans}, frames: 5}}}}"
    assert planned(longer) == {"render_walks", "select_frames"}
    smaller = f"sources={{scans: {{{scans}, frames: 4, size_px: 32}}}}"
    assert planned(smaller) == {"render_walks", "select_frames"}


def test_every_later_stage_takes_scans(finished: Project) -> None:
    targets = ("pointclouds", "captions", "depth", "vqa", "rrd", "results/report.html")
    rules = rules_of(finished.snakemake(*targets, "--dry-run").stdout)
    assert {"fuse_shard", "caption_shard", "generate_questions", "export_rrd"} <= rules
    assert "read_scans" not in rules


def test_samples_of_scans_are_merged_by_split(finished: Project) -> None:
    wanted = [f"results/vqa/scans/{split}.jsonl" for split in ("train", "val", "test")]
    finished.snakemake(*wanted, "--cores", "1")
    samples = [
        sample for name in wanted for sample in read_records(finished.folder / name, ScanSample)
    ]
    assert {sample.task for sample in samples} >= {"grounding", "captioning"}
    printed = finished.snakemake(*wanted, "--dry-run").stdout
    assert "Nothing to be done" in printed
    changed = ("--config", "vqa={scans: {samples_per_type: 3}}")
    rules = rules_of(finished.snakemake(*wanted, "--dry-run", *changed).stdout)
    assert rules - {"total"} == {"generate_scan_samples", "merge_scan_samples"}
    changed = ("--config", "vqa={solvable_without_picture: keep}")
    rules = rules_of(finished.snakemake(*wanted, "--dry-run", *changed).stdout)
    assert rules - {"total"} == {"merge_scan_samples"}
    assert (finished.folder / "results/vqa/scans/text_only.csv").exists()


def test_later_stages_that_are_left_out_do_not_run(tmp_path: Path) -> None:
    project = with_scans(tmp_path / "project", later_stages=["depth"])
    project.edit({"sources": {"procthor": {"num_houses": 2, "houses_per_shard": 2}}})
    rules = rules_of(project.snakemake("results/report.html", "--dry-run").stdout)
    assert {"render_walks", "select_frames", "summarise_depth"} <= rules
    clouds = project.snakemake("pointclouds", "captions", "vqa", "--dry-run").stdout
    assert "results/pointclouds/scans" not in clouds
    assert "results/captions/scans" not in clouds
    assert "results/vqa/scans/0000.jsonl" not in clouds


def test_scans_of_files_are_read_by_their_own_rule(tmp_path: Path) -> None:
    project = with_scans(tmp_path / "project", format="auto", path="my_scans", num_scans=None)
    write_nerfstudio(project.folder / "my_scans", make_room(4))
    printed = project.snakemake("views", "--dry-run").stdout
    assert {"sample_scenes", "read_scans", "select_frames"} <= rules_of(printed)
    assert "render_walks" not in rules_of(printed)
    project.snakemake("views", "--cores", "1")
    shard = ViewShard.open(project.folder / "results/views/scans/0000.zarr")
    assert shard.views.scene_id.unique().tolist() == ["scans-my_room"]
    assert len(shard) == 4


def write_masks(folder: Path, room: PosedRoom, frame_names: list[str]) -> None:
    folder.mkdir(parents=True)
    for name, instances in zip(frame_names, room.instance, strict=True):
        (folder / f"{name}.png").write_bytes(png(instances.astype(np.uint8)))
    names = {str(number): name for number, (name, *_) in enumerate(BOXES, start=1)}
    (folder / "labels.json").write_text(json.dumps(names))


def write_detections(path: Path) -> None:
    boxes = [
        {
            "label": label,
            "center": ((np.array(low) + np.array(high)) / 2).tolist(),
            "size": (np.array(high) - np.array(low)).tolist(),
            "score": 0.9,
        }
        for label, low, high in BOXES
    ]
    path.write_text(json.dumps(boxes))


def test_objects_of_scans_may_be_found_by_a_network(tmp_path: Path) -> None:
    own = {"format": "auto", "path": "my_scans", "num_scans": None, "localise": {}}
    project = with_scans(tmp_path / "project", **own)
    write_nerfstudio(project.folder / "my_scans", make_room(2))
    printed = project.snakemake("views", "--dry-run").stdout
    assert {"localise_scans", "read_scans", "select_frames"} <= rules_of(printed)


def test_the_documented_command_reads_the_scans_and_nothing_else(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    text = (ROOT / "docs/scans.md").read_text()
    settings = yaml.safe_load(text.split("```yaml\n", 1)[1].split("```")[0])
    settings["sources"]["scans"] |= {"path": "scans", "masks": "masks"}
    write_nerfstudio(project.folder / "scans", make_room(2))
    (project.folder / "masks").mkdir()
    (project.folder / "my_scans.yaml").write_text(yaml.safe_dump(settings))
    command = next(line for line in text.splitlines() if "--configfile my_scans.yaml" in line)
    rules = rules_of(project.snakemake(*command.split()[1:], "--dry-run").stdout)
    wanted = {"read_scans", "select_frames", "fuse_shard", "export_ply", "export_rrd"}
    assert wanted | {"generate_questions", "write_gallery"} <= rules
    assert not rules & {"render_shard", "record_demonstrations", "render_walks"}


@pytest.mark.parametrize("layout", ["stray_scanner", "nerfstudio"])
def test_an_own_scan_becomes_boxes_questions_and_a_cloud(layout: str, tmp_path: Path) -> None:
    """The one command of docs/scans.md: with masks of frames, and with boxes of a detector."""
    objects = {"masks": "masks"} if layout == "stray_scanner" else {"boxes": "boxes.json"}
    own = {"format": "auto", "path": "scans", "num_scans": None, **objects}
    project = with_scans(tmp_path / "project", **own, selection={"max_frames": 4})
    project.edit({"pointclouds": {"export_ply": True}})
    room = make_room(8)
    if layout == "stray_scanner":
        scan = write_stray_scanner(project.folder / "scans", room, as_pictures=True)
        numbers = [f"{number:06d}" for number in range(len(room))]
        write_masks(project.folder / "masks" / scan.name, room, numbers)
    else:
        write_nerfstudio(project.folder / "scans", room)
        write_detections(project.folder / "boxes.json")
    project.snakemake("views", "vqa", "pointclouds", "--cores", "1")
    results = project.folder / "results"
    chosen = read_table(results / "views/scans/0000.frames.parquet")
    questions = read_records(results / "vqa/scans/0000.jsonl", Question)
    assert questions
    assert {question.view for question in questions} <= set(chosen.view)
    found = read_table(results / "views/scans/0000.objects.parquet")
    assert set(found.category) <= {name for name, *_ in BOXES}
    assert len(found) > 0
    measured = read_table(results / "pointclouds/scans/0000.boxes.parquet")
    assert len(measured) > 0
    assert len(list((results / "pointclouds/scans/0000").glob("*.ply"))) == 1
    if find_spec("rerun") is None:
        assert project.snakemake("rrd", "--cores", "1", check=False).returncode != 0
        assert "recordings need the package rerun-sdk" in project.last_log()


@pytest.mark.parametrize(
    ("scans", "message"),
    [
        ({"format": "auto", "path": "nowhere"}, "nowhere"),
        ({"format": "auto"}, "sources.scans.path: null, but format is auto"),
        ({"selection": {"strategy": "ratio95"}}, "sources.scans.selection.strategy: 'ratio95'"),
    ],
)
def test_mistakes_are_named_before_anything_runs(tmp_path: Path, scans: dict, message: str) -> None:
    project = with_scans(tmp_path / "project", **scans)
    done = project.snakemake("views", "--dry-run", check=False)
    assert done.returncode != 0
    printed = done.stdout + done.stderr
    assert any(line.startswith("error: ") for line in printed.splitlines())
    assert message in printed
    assert "Traceback" not in printed
