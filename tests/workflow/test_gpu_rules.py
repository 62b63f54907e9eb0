"""Under SLURM no rule loses its GPU without a word; all is known before anything is submitted."""

from pathlib import Path

import pytest
import yaml

from testing.project import Project
from workflow_scripts.cluster.check_gpu_rules import ProfileFile, refusal

PROFILE = ("--profile", "profiles/slurm")
TRAININGS = ("pretrain_base", "train_lora", "train_pose")


def dry_run(project: Project, *arguments: str, profile: tuple[str, ...] = PROFILE):
    done = project.snakemake("--dry-run", *profile, *arguments, check=False)
    return done.returncode, done.stdout + done.stderr


def write_profile(project: Project, name: str, content: dict) -> None:
    path = project.folder / "profiles" / name / "config.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(content))


def shipped_profile(project: Project) -> dict:
    return yaml.safe_load((project.folder / "profiles/slurm/config.yaml").read_text())


def test_the_shipped_profile_is_accepted(project: Project) -> None:
    status, printed = dry_run(project, "--quiet")
    assert status == 0, printed
    assert "no GPU" not in printed
    assert "replaces" not in printed


def test_set_resources_on_the_command_line_is_refused_with_what_to_do(project: Project) -> None:
    status, printed = dry_run(project, "--set-resources", "fuse_shard:mem_mb=9000")
    assert status != 0
    (line,) = (line for line in printed.splitlines() if line.startswith("error: "))
    for rule in TRAININGS:
        assert f"{rule} would train on this machine" in line
    assert "predict_answers asks for no GPU" in line
    # Simulated depth, and no photos: these rules have no jobs.
    assert not any(rule in line for rule in ("estimate_depth", "filter_images", "render_shard"))
    assert "replaces the whole block set-resources of profiles/slurm/config.yaml" in line
    assert "cp -r profiles/slurm profiles/mine" in line
    assert "--workflow-profile" in line
    assert "Traceback" not in printed
    status, printed = dry_run(
        project, "--set-resources", "fuse_shard:mem_mb=9000", "--config", "allow_no_gpu=true"
    )
    assert status == 0, printed


def test_a_rule_that_keeps_a_gpu_of_its_own_has_still_lost_its_line(project: Project) -> None:
    project.edit({"depth": {"backend": "transformers", "model": "x/y"}, "views": {}})
    profile = shipped_profile(project)
    del profile["set-resources"]["estimate_depth"]
    write_profile(project, "partial", {"set-resources": profile["set-resources"]})
    status, printed = dry_run(project, profile=(*PROFILE, "--workflow-profile", "profiles/partial"))
    assert status != 0
    # It asks for a GPU by itself, but of no model, and in the partition of rules without one.
    assert "estimate_depth has lost its gpu_model, gpu, slurm_partition" in printed
    assert "profiles/partial/config.yaml replaces the whole block of profiles/slurm" in printed


def test_a_second_profile_must_hold_every_line(project: Project) -> None:
    write_profile(project, "short", {"set-resources": {"train_pose": {"mem_mb": 1000}}})
    second = (*PROFILE, "--profile", "profiles/short")
    status, printed = dry_run(project, profile=second)
    assert status != 0
    assert "profiles/short/config.yaml replaces the whole block of profiles/slurm" in printed
    whole = shipped_profile(project)
    whole["set-resources"]["train_pose"]["mem_mb"] = 1000
    write_profile(project, "mine", whole)
    for profile in (
        ("--profile", "profiles/mine"),
        (*PROFILE, "--workflow-profile", "profiles/mine"),
    ):
        status, printed = dry_run(project, profile=profile)
        assert status == 0, printed


@pytest.mark.parametrize(
    ("rule", "line", "message"),
    [
        ("train_pose", {"cluster": "local"}, "train_pose would train on this machine"),
        ("train_pose", {"gpu": 0}, "train_pose asks for no GPU"),
        ("predict_answers", {"gpu": 0}, "predict_answers asks for no GPU"),
    ],
)
def test_an_edited_profile_without_a_gpu_is_refused(
    project: Project, rule: str, line: dict, message: str
) -> None:
    profile = shipped_profile(project)
    profile["set-resources"][rule] |= line
    (project.folder / "profiles/slurm/config.yaml").write_text(yaml.safe_dump(profile))
    status, printed = dry_run(project)
    assert status != 0
    assert message in printed
    assert "on the command line" not in printed
    project.edit({"allow_no_gpu": True})
    status, printed = dry_run(project)
    assert status == 0, printed


def test_lost_default_resources_are_said(project: Project) -> None:
    status, printed = dry_run(project, "--default-resources", "mem_mb=9000", "--quiet")
    assert status == 0
    assert "--default-resources replaces the whole block of profiles/slurm/config.yaml" in printed
    assert "slurm_account, slurm_partition, runtime, nodes of that file" in printed


def test_without_slurm_nothing_is_asked_for(project: Project) -> None:
    status, printed = dry_run(project, "--set-resources", "fuse_shard:mem_mb=9", profile=())
    assert status == 0, printed


def test_the_refusal_names_the_file_that_wins() -> None:
    profiles = [
        ProfileFile(Path(name), {"train_pose": {"gpu": 1}}, {}) for name in ("a/b.yaml", "c.yaml")
    ]
    assert "set-resources of c.yaml replaces the whole block of a/b.yaml" in refusal(
        ["x"], profiles, []
    )
    assert "replaces" not in refusal(["x"], profiles[:1], [])
