"""The whole project in a user's folder, with the profile edited for the test cluster."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from tests.depth.models import save_depth_anything
from tests.slurm.conftest import ROOT, User
from tests.workflow.conftest import NO_DEMONSTRATIONS, TINY, Project

SMALL: dict[str, Any] = {
    "sources": {"procthor": {"num_houses": 8, "houses_per_shard": 4}},
    # Every rule that uses GPUs takes part: an estimator, adapters, and all weights.
    "depth": {"backend": "transformers", "batch_size": 4},
    "train": {
        "tiny": {"steps": 4, "batch_size": 4},
        "experiments": {
            "tiny-lora": {"steps": 4, "batch_size": 4, "save_steps": 2},
            "tiny-whole": {
                "kind": "vlm",
                "base": "tiny",
                "data": "vqa",
                "adapter": "none",
                "deepspeed": "zero3",
                "num_processes": 2,
                "steps": 4,
                "batch_size": 4,
                "learning_rate": 1.0e-3,
                "save_steps": 2,
            },
        },
    },
}


def copy_project(user: User) -> User:
    """Copy the project's own files beside the user's profile."""
    for name in ("rules", "workflow_scripts", "envs"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, user.folder / name, ignore=ignore)
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, user.folder / name)
    return user


def make_small(user: User) -> Path:
    """Make the configuration so small that the whole workflow takes minutes on two cores."""
    project = Project(user.folder)
    project.edit(TINY)
    project.edit(SMALL)
    save_depth_anything(user.folder / "estimator")
    project.edit({"depth": {"model": "estimator"}})
    # Other sources have their own tests; here one is enough to show that rules reach their nodes.
    project.edit(NO_DEMONSTRATIONS)
    sources = yaml.safe_load(project.config_path.read_text())["sources"]
    project.edit({"sources": {name: None for name in sources if name != "procthor"}})
    return project.config_path
