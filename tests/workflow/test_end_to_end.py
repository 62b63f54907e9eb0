"""The whole workflow on the tiny configuration, once; then what runs again after which change."""

import json
import os
import re
import shlex
from collections.abc import Callable

import pandas as pd
import pytest
import zarr

from testing.project import Project, cpu_s
from workflow_scripts.common.records import SPLITS, Scene
from workflow_scripts.common.storage import read_records
from workflow_scripts.evaluate.score_table import EvalRow, ScoreRow

pytestmark = pytest.mark.e2e
Copy = Callable[[], Project]


def test_every_promised_file_is_there(finished_run: Project) -> None:
    results = finished_run.folder / "results"
    headline = pd.read_csv(results / "eval.csv")
    assert list(headline) == list(EvalRow.model_fields)
    assert {"accuracy", "mpjpe_mm"} <= set(headline["metric"])
    scores = pd.read_parquet(results / "evaluate/tiny-lora/scores.parquet")
    assert list(scores) == list(ScoreRow.model_fields)
    assert {"accuracy", "parse_failure_rate"} <= set(scores["metric"])
    for shard in ("0000", "0001", "0002"):
        for name in (
            f"scenes/procthor/{shard}.png",
            f"views/procthor/{shard}.visibility.parquet",
            f"depth/procthor/{shard}.png",
            f"captions/procthor/{shard}.jsonl",
            f"pointclouds/procthor/{shard}.boxes.parquet",
            f"vqa/procthor/{shard}.png",
        ):
            assert (results / name).stat().st_size > 0, name
    for name in ("views/rlbench/0000.png", "evaluate/lifter/errors.png", "train/lifter/curves.png"):
        assert (results / name).stat().st_size > 0, name
    adapter = results / "train/tiny-lora"
    assert {"adapter_model.safetensors", "README.md", "metrics.json", "curves.png"} <= {
        path.name for path in adapter.iterdir()
    }


def test_report_is_one_self_contained_page(finished_run: Project) -> None:
    page = (finished_run.folder / "results/report.html").read_text()
    assert page.count("data:image/jpeg;base64,") >= 15
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    for word in ("Plans of the houses", "Depth in meters", "Questions on pictures", "blind"):
        assert word in page


def test_snakemake_report_has_the_captions(finished_run: Project) -> None:
    finished_run.snakemake("--report", "report.zip")
    assert (finished_run.folder / "report.zip").stat().st_size > 10_000


def test_second_run_has_nothing_to_do(finished_run: Project) -> None:
    outputs: list[str] = []

    def run_again() -> None:
        done = finished_run.snakemake("--cores", "2", "results/eval.csv", "results/report.html")
        outputs.append(done.stdout + done.stderr)

    version_s = cpu_s(lambda: finished_run.snakemake("--version"))
    assert cpu_s(run_again) <= 5 * version_s
    assert "Nothing to be done" in outputs[0]


def test_no_house_is_in_two_splits(finished_run: Project) -> None:
    results = finished_run.folder / "results"
    scenes = [
        scene
        for path in sorted(results.glob("scenes/procthor/*.jsonl"))
        for scene in read_records(path, Scene)
    ]
    split_of = {scene.scene_id: scene.split for scene in scenes}
    assert len(split_of) == 10
    pictures: dict[str, set[str]] = {}
    for split in SPLITS:
        questions = pd.read_parquet(results / f"vqa/{split}.parquet")
        assert all(split_of[scene] == split for scene in questions["scene_id"])
        conversations = json.loads((results / f"vqa/{split}.json").read_text())
        pictures[split] = {item["image"] for item in conversations}
        assert all((results / "vqa" / image).is_file() for image in pictures[split])
    assert not pictures["train"] & pictures["test"]
    assert pictures["train"]
    assert pictures["test"]


def test_results_name_no_folder_of_this_machine(finished_run: Project) -> None:
    folder = str(finished_run.folder).encode()
    for path in (finished_run.folder / "results").rglob("*"):
        if path.is_file() and path.suffix in (".json", ".jsonl", ".csv", ".md", ".html", ".yaml"):
            assert folder not in path.read_bytes(), path
    for path in (finished_run.folder / "results/views/procthor").glob("*.zarr"):
        assert str(finished_run.folder) not in str(dict(zarr.open_group(path, mode="r").attrs))


def change(project: Project, **changes: dict) -> None:
    project.edit(changes)


def touch_source(project: Project) -> None:
    """Rewrite every script with the bytes it has, as `git checkout` does."""
    for path in (project.folder / "workflow_scripts").rglob("*.py"):
        path.write_bytes(path.read_bytes())


@pytest.mark.parametrize(
    ("edit", "runs", "does_not_run"),
    [
        (
            lambda project: change(project, captions={"kinds": ["room", "asset"]}),
            {"caption_shard"},
            {
                "sample_scenes",
                "render_shard",
                "fuse_shard",
                "generate_questions",
                "train_lora",
            },
        ),
        (
            lambda project: change(
                project, train={"experiments": {"tiny-lora": {"learning_rate": 0.002}}}
            ),
            {"train_lora", "predict_answers", "merge_scores"},
            {
                "render_shard",
                "pretrain_base",
                "generate_questions",
                "merge_questions",
                "caption_shard",
            },
        ),
        (
            lambda project: change(project, pointclouds={"voxel_m": 0.1}),
            {"fuse_shard", "write_report"},
            {"render_shard", "generate_questions", "train_lora", "caption_shard"},
        ),
        (
            lambda project: change(project, vqa={"margin_m": 0.4}),
            {"generate_questions", "merge_questions", "train_lora"},
            {"render_shard", "fuse_shard", "caption_shard"},
        ),
        (
            lambda project: change(project, evaluate={"bootstrap_samples": 200}),
            {"score_vlm", "merge_scores"},
            {"predict_answers", "train_lora", "render_shard"},
        ),
        (
            lambda project: change(project, views={"preset": "default"}),
            {"render_shard", "fuse_shard", "train_lora"},
            {"sample_scenes"},
        ),
        (
            touch_source,
            set(),
            {"sample_scenes", "render_shard", "pretrain_base", "train_lora"},
        ),
    ],
    ids=["caption", "train", "voxel", "margin", "bootstrap", "preset", "touched-scripts"],
)
def test_a_change_reruns_only_what_depends_on_it(
    copy_of_finished: Copy, edit: Callable[[Project], None], runs: set, does_not_run: set
) -> None:
    project = copy_of_finished()
    edit(project)
    planned_jobs = set(project.planned_jobs())
    assert runs <= planned_jobs
    assert not planned_jobs & does_not_run


def test_one_more_house_reruns_its_shard_only(copy_of_finished: Copy) -> None:
    project = copy_of_finished()
    project.edit({"sources": {"procthor": {"num_houses": 11}}})
    planned_jobs = project.planned_jobs()
    for rule in (
        "sample_scenes",
        "render_shard",
        "fuse_shard",
        "generate_questions",
        "caption_shard",
    ):
        assert planned_jobs[rule] == 1, rule


def test_a_new_experiment_trains_alone(copy_of_finished: Copy) -> None:
    project = copy_of_finished()
    project.edit({"train": {"experiments": {"second": {"steps": 2}}}})
    planned_jobs = project.planned_jobs()
    assert planned_jobs["train_lora"] == 1
    assert "pretrain_base" not in planned_jobs


def test_forced_stage_reruns_it_and_what_follows(copy_of_finished: Copy) -> None:
    planned_jobs = copy_of_finished().planned_jobs("-R", "caption_shard", "--", "captions")
    assert planned_jobs["caption_shard"] == 3
    assert "render_shard" not in planned_jobs


def test_a_lost_file_is_made_again_with_the_same_bytes(copy_of_finished: Copy) -> None:
    project = copy_of_finished()
    before = project.hashes()
    (project.folder / "results/pointclouds/procthor/0001.boxes.parquet").unlink()
    project.snakemake("--cores", "2", "pointclouds")
    # The stage's own target also measures objects, which the scores do without.
    assert before.items() <= project.hashes().items()


def test_a_cut_shard_is_named_by_the_job_that_reads_it(copy_of_finished: Copy) -> None:
    project = copy_of_finished()
    shard = project.folder / "results/views/procthor/0000.zarr/rgb/c"
    file = next(path for path in shard.rglob("*") if path.is_file())
    stamp = file.stat()
    file.write_bytes(file.read_bytes()[:100])
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    target = "results/pointclouds/procthor/0000.zarr"
    done = project.snakemake("--cores", "1", "-R", "fuse_shard", "--", target, check=False)
    assert done.returncode != 0
    log = next(project.folder.glob("logs/pointclouds/fuse_shard/procthor/0000.log")).read_text()
    assert "0000.zarr" in log
    assert "damaged" in log
    assert "Traceback" not in log


def test_a_folder_may_have_any_name(finished_run: Project) -> None:
    name = finished_run.folder.name
    assert shlex.quote(name) != name
    assert (finished_run.folder / "results/eval.csv").stat().st_size > 0
