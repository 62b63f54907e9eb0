"""The whole project in a user's folder, with the profile edited for the test cluster."""

import shutil
from typing import Any

from testing.depth_models import save_depth_anything
from testing.photos import add_photo
from testing.project import TINY_CONFIG, Project
from testing.slurm.user import ROOT, User

VIDEO = {"kind": "video", "tasks": ["grounding"], "steps": 2, "batch_size": 4, "save_steps": 2}
# With the demonstrations of TINY_CONFIG every rule that uses GPUs has jobs; test_workflow.py
# checks it.
SMALL_CONFIG: dict[str, Any] = {
    "sources": {
        "procthor": {"num_houses": 8, "houses_per_shard": 8},
        "images": {
            "photos": "photos",
            "masks": "masks",
            "width_px": 64,
            "height_px": 64,
            "localise": {"backend": "masks"},
        },
        "scans": {
            "num_scans": 8,
            "scans_per_shard": 8,
            "frames": 3,
            "rate_hz": 0.5,
            "size_px": 64,
            "preset": "draft",
            "later_stages": [],
        },
    },
    "depth": {"backend": "transformers", "model": "estimator", "batch_size": 4},
    "train": {
        "tiny": {"num_houses": 1, "patch_steps": 2, "patch_batch_size": 2, "steps": 4},
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
            "tiny-video": {**VIDEO, "adapter": "none", "deepspeed": "none"},
            "tiny-video-lora": {**VIDEO, "adapter": "lora", "deepspeed": "zero2"},
        },
    },
}


def copy_project(user: User) -> User:
    """Copy the project's files beside the user's profile."""
    for name in ("rules", "workflow_scripts", "envs"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, user.folder / name, ignore=ignore)
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, user.folder / name)
    return user


def shrink_config(user: User) -> User:
    """Make the configuration so small that the whole workflow takes minutes on two cores."""
    project = Project(user.folder)
    project.edit(TINY_CONFIG)
    project.edit(SMALL_CONFIG)
    save_depth_anything(user.folder / "estimator")
    for number in range(2):
        add_photo(user.folder, str(number), seed=number)
    return user
