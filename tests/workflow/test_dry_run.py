"""What a user learns before anything runs: targets, sizes, mistakes."""

import gzip
import json
import math
from pathlib import Path

import pytest

from testing.project import ROOMS, ROOT, WITHOUT_RLBENCH, Project, cpu_s

STAGES = ("scenes", "views", "depth", "captions", "pointclouds", "vqa", "train", "evaluate")


def test_every_stage_word_is_a_target(project: Project) -> None:
    planned_jobs = project.planned_jobs(*STAGES)
    assert {stage: planned_jobs[stage] for stage in STAGES} == dict.fromkeys(STAGES, 1)


def test_a_misspelt_target_is_named_with_the_nearest_one(project: Project) -> None:
    done = project.snakemake("--dry-run", "pointcloud", check=False)
    printed = done.stdout + done.stderr
    assert done.returncode != 0
    assert "error: pointcloud: no such target; allowed: all, audit, " in printed
    assert "did you mean 'pointclouds'?" in printed
    assert "Traceback" not in printed


def test_the_default_target_makes_scores_and_report(project: Project) -> None:
    planned_jobs = project.planned_jobs()
    assert planned_jobs["render_shard"] == 3
    assert planned_jobs["record_demonstrations"] == 1
    assert planned_jobs["sample_scenes"] == 3 + 1
    assert (
        planned_jobs["merge_scores"]
        == planned_jobs["write_report"]
        == planned_jobs["pretrain_base"]
        == 1
    )
    assert planned_jobs["predict_answers"] == 3


def test_the_rooms_of_the_default_configuration_are_written_and_scored(project: Project) -> None:
    project.edit({"train": {"experiments": {"rooms": ROOMS}}})
    planned_jobs = project.planned_jobs()
    assert planned_jobs["write_room_records"] == planned_jobs["write_room_prompts"] == 3
    assert planned_jobs["pretrain_base"] == planned_jobs["train_full_finetune"] == 1
    assert planned_jobs["score_reconstruction"] == planned_jobs["compare_rebuilt_rooms"] == 1
    assert planned_jobs["predict_answers"] == 6


def test_a_pose_experiment_is_trained_on_demonstrations_and_scored(project: Project) -> None:
    settings = {"tasks": ["reach_target"], "episodes_per_task": 8, "episodes_per_shard": 4}
    second = {"kind": "pose", "noise": {"multiplier": 2}}
    project.edit({"sources": {"rlbench": settings}, "train": {"experiments": {"second": second}}})
    planned_jobs = project.planned_jobs()
    assert planned_jobs["train_pose"] == planned_jobs["score_pose"] == 2
    assert planned_jobs["train_lora"] == 1
    assert planned_jobs["record_demonstrations"] == 2
    # Nothing is trained before the splits are known not to leak.
    assert planned_jobs["check_episodes"] == 1


def test_null_turns_an_experiment_off(project: Project) -> None:
    project.edit(WITHOUT_RLBENCH)
    planned_jobs = project.planned_jobs()
    assert not {"record_demonstrations", "train_pose", "score_pose"} & set(planned_jobs)
    assert planned_jobs["train_lora"] == 1
    project.edit({"train": {"experiments": {"tiny-lora": None}}})
    done = project.snakemake("--dry-run", check=False)
    assert "train.experiments: every experiment is null" in done.stdout + done.stderr


def test_without_demonstrations_models_of_keypoints_are_off_and_it_is_said(
    project: Project,
) -> None:
    project.edit({"sources": {"rlbench": None}})
    done = project.snakemake("--dry-run")
    assert "train.experiments: lifter off" in done.stdout + done.stderr
    assert "train_lora" in done.stdout
    assert "train_pose" not in done.stdout


@pytest.mark.parametrize("name", ["of {shard} 'a' \"b\" %s $HOME", "-c"])
def test_paths_of_the_users_may_have_any_name(project: Project, name: str) -> None:
    folder = project.folder / name
    folder.mkdir()
    for prompt in ("room", "top_down", "asset"):
        text = (ROOT / f"workflow_scripts/captions/prompts/{prompt}.txt").read_text()
        (folder / f"{prompt}.txt").write_text(text)
    prompt_text = (ROOT / "workflow_scripts/vqa/paraphrase/prompt.txt").read_text()
    (folder / "prompt.txt").write_text(prompt_text)
    (folder / "captions.jsonl").write_text("")
    (folder / "rows.json").write_text("[]")
    server = {"base_url": "http://localhost:1/v1", "cache": f"{name}/cache"}
    benchmark = {"format": "vsi-bench", "path": f"{name}/rows.json", "images": name}
    project.edit(
        {
            **WITHOUT_RLBENCH,
            "captions": {
                **server,
                "backend": "openai",
                "prompts": name,
                "overrides": f"{name}/captions.jsonl",
            },
            "vqa": {
                "paraphrase": {**server, "prompt": f"{name}/prompt.txt"},
                "hub": {"name": name},
            },
            "train": {"experiments": {"tiny-lora": {"base": f"./{name}"}, "lifter": None}},
            "evaluate": {"benchmarks": {"b": benchmark}},
        }
    )
    planned_jobs = project.planned_jobs("all", "exports", "captions")
    assert planned_jobs["caption_shard"] == planned_jobs["paraphrase_questions"] == 3
    assert planned_jobs["import_benchmark"] == planned_jobs["train_lora"] == 1


def test_until_stops_after_a_rule(project: Project) -> None:
    planned_jobs = project.planned_jobs("--until", "fuse_shard")
    assert planned_jobs["fuse_shard"] == 3
    assert "generate_questions" not in planned_jobs


def test_ten_thousand_houses_plan_fast_and_few_jobs(project: Project) -> None:
    few_s = cpu_s(project.planned_jobs)
    project.edit({"sources": {"procthor": {"num_houses": 10_000, "houses_per_shard": "auto"}}})
    planned_jobs: dict[str, int] = {}
    # Beside what a plan of ten houses costs: how fast the machine is, and how busy, is in both.
    # It costs half as much again; if each house had its job, it would be hundreds of times more.
    assert cpu_s(lambda: planned_jobs.update(project.planned_jobs())) <= 4 * few_s
    assert sum(planned_jobs.values()) <= 1000
    assert planned_jobs["render_shard"] <= 128


# What is wrong with single settings: all of it is reported at once.
MISTAKES = (
    ({"view": {}}, "did you mean 'views'"),
    ({"views": {"backend": "unity"}}, "views.backend: 'unity' is not allowed"),
    ({"views": {"width_px": "336px"}}, "views.width_px: '336px' must be an integer"),
    ({"sources": {"procthor": {"num_houses": 0}}}, "sources.procthor.num_houses: 0"),
    ({"pointclouds": {"voxel_m": math.nan}}, "pointclouds.voxel_m: nan is not a finite number"),
    ({"vqa": {"weights": {"wider": math.inf}}}, "vqa.weights.wider: inf is not a finite"),
    ({"seed": 2**32}, "seed: 4294967296 is greater than the maximum"),
    ({"vqa": {"families": ["left_rigth"]}}, "vqa.families.0: 'left_rigth' is not allowed"),
    ({"vqa": {"families": ["left_rigth"]}}, "did you mean 'left_right'"),
    ({"vqa": {"weights": {"left_rigth": 2}}}, "vqa.weights: 'left_rigth' is not allowed"),
    ({"vqa": {"weights": {"frnt_behind": 5}}}, "did you mean 'front_behind'"),
    ({"vqa": {"hub": {"repo": "no good name"}}}, "vqa.hub.repo: 'no good name'"),
    ({"splits": {"train": 0.7, "val": 0.2, "test": 0.2}}, "splits: {"),
    (
        {"depth": {"backend": "transformers", "sources": ["procthr"]}},
        "depth.sources.0: 'procthr' is not allowed",
    ),
    (
        {"train": {"experiments": {"tiny-lora": {"families": ["wider", "taler"]}}}},
        "train.experiments.tiny-lora.families.1: 'taler' is not allowed",
    ),
    (
        {"train": {"experiments": {"tiny-lora": {"deepspeed": "zero5"}}}},
        "train.experiments.tiny-lora.deepspeed: 'zero5'",
    ),
    (
        {"train": {"experiments": {"lifter": {"kind": "poze"}}}},
        "train.experiments.lifter.kind: 'poze' is not allowed; allowed: api, pose, "
        "reconstruction, video, vlm",
    ),
    (
        {"train": {"experiments": {"second": {"kind": "pose", "noise": {"outlier": 1}}}}},
        "train.experiments.second.noise.outlier: unknown key",
    ),
)


def refused(project: Project) -> str:
    """Return what a dry run prints that must fail."""
    done = project.snakemake("--dry-run", check=False)
    printed = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in printed
    return printed


def test_mistakes_in_settings_are_named_all_at_once(project: Project) -> None:
    for changes, _ in MISTAKES:
        project.edit(changes)
    printed = refused(project)
    assert not [message for _, message in MISTAKES if message not in printed]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sources": {"procthor": {"num_houses": None}}}, "num_houses: null needs a file"),
        ({"sources": {"procthor": {"houses": "no.jsonl"}}}, "no.jsonl: no such file of houses"),
        ({"sources": {"procthor": {"houses": "genrate"}}}, "is not 'generate', not 'procthor-10k'"),
        ({"captions": {"overrides": "no.jsonl"}}, "captions.overrides: no.jsonl: no such file"),
        (
            {"train": {"experiments": {"tiny-lora": {"base": "./no/model"}}}},
            "train.experiments.tiny-lora.base: ./no/model: no such folder",
        ),
        (
            {"depth": {"backend": "transformers", "model": "models/depth/small"}},
            "depth.model: models/depth/small: no such folder",
        ),
        (
            {
                "evaluate": {
                    "benchmarks": {"b": {"format": "vsi-bench", "path": "no.json", "images": "."}}
                }
            },
            "evaluate.benchmarks.b.path: no.json: no such file",
        ),
        (
            {"sources": {"rlbench": None}, "train": {"experiments": {"tiny-lora": None}}},
            "train.experiments.lifter: kind pose needs demonstrations",
        ),
        (
            {"train": {"experiments": {"lifter": {"kind": "pose", "tasks": ["open_box"]}}}},
            "train.experiments.lifter.tasks: 'open_box' is not in sources.rlbench.tasks",
        ),
        (
            {"sources": {"rlbench": {"tasks": ["open_box"]}}},
            "sources.rlbench.tasks: backend mujoco does not simulate 'open_box'",
        ),
    ],
)
def test_what_settings_name_and_is_not_there_is_said(
    project: Project, changes: dict, message: str
) -> None:
    project.edit(changes)
    assert message in refused(project)


def test_a_file_of_houses_is_counted_and_limited(project: Project) -> None:
    lines = "\n".join(json.dumps({"house": number}) for number in range(10)) + "\n"
    (project.folder / "mine.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    project.edit(WITHOUT_RLBENCH)
    project.edit({"sources": {"procthor": {"houses": "mine.jsonl.gz", "num_houses": None}}})
    assert project.planned_jobs("scenes")["sample_scenes"] == 3
    project.edit({"sources": {"procthor": {"num_houses": 4}}})
    assert project.planned_jobs("scenes")["sample_scenes"] == 1


def test_results_may_lie_in_another_folder(project: Project, tmp_path: Path) -> None:
    """Files of the project are found from any working directory; the user's are relative to it."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    project.edit({"captions": {"backend": "openai", "base_url": "http://127.0.0.1:9"}})
    flags = ("--directory", str(elsewhere), "--printshellcmds")
    done = project.snakemake("--dry-run", *flags)
    assert "write_report" in done.stdout
    assert f'"prompts": "{project.folder}/workflow_scripts/captions/prompts"' in done.stdout
    project.snakemake("--cores", "1", *flags, "results/scenes/procthor/0002.jsonl")
    assert (elsewhere / "results/scenes/procthor/0002.png").is_file()
    assert not (project.folder / "results").exists()


def test_lint_is_clean(project: Project) -> None:
    done = project.snakemake("--lint", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
