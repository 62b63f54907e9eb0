"""A working copy of the project, as a user has it in a folder of their own."""

import hashlib
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
TRACKED = ("Snakefile", "config.yaml", "rules", "workflow_scripts", "envs", "profiles")
# Files of a run that are no results: times, logs, and what only resuming needs.
IGNORED_RESULTS = (
    "benchmarks",
    "checkpoints",
    "launch",
    "tensorboard",
    "cache",
    ".snakemake_timestamp",
)


class Project:
    """A working copy in which Snakemake can be run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config_path = folder / "config.yaml"

    @classmethod
    def create(cls, folder: Path, tiny: bool = True) -> "Project":
        """Copy the project's files; `tiny` shrinks every number in the configuration."""
        folder.mkdir(parents=True)
        for name in TRACKED:
            source = ROOT / name
            if source.is_dir():
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, folder / name, ignore=ignore)
            else:
                shutil.copy(source, folder / name)
        project = cls(folder)
        if tiny:
            project.edit(TINY_CONFIG)
        return project

    def edit(self, changes: dict) -> None:
        """Merge changes into config.yaml, as an editor would."""

        def merge(old: dict, new: dict) -> dict:
            both = {**old}
            for key, value in new.items():
                both[key] = (
                    merge(old[key], value)
                    if isinstance(value, dict) and isinstance(old.get(key), dict)
                    else value
                )
            return both

        config = yaml.safe_load(self.config_path.read_text())
        self.config_path.write_text(yaml.safe_dump(merge(config, changes), sort_keys=False))

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Snakemake; with `check`, a failure shows its output and the last log."""
        done = subprocess.run(
            [str(SNAKEMAKE), *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            pytest.fail(done.stdout[-4000:] + done.stderr[-8000:] + self.last_log())
        return done

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables of the README's activated virtual environment."""
        path = f"{SNAKEMAKE.parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path}

    def last_log(self) -> str:
        """Return the end of the newest job's log."""
        logs = sorted(self.folder.glob("logs/**/*.log"), key=lambda path: path.stat().st_mtime)
        return f"\n{logs[-1]}:\n{logs[-1].read_text()[-4000:]}" if logs else ""

    def planned_jobs(self, *targets: str) -> dict[str, int]:
        """Return how many jobs of each rule a dry run would start."""
        done = self.snakemake("--dry-run", "--quiet=host", *targets)
        counts = {}
        inside = False
        for line in done.stdout.splitlines() + done.stderr.splitlines():
            words = line.split()
            if line.startswith("job "):
                inside = True
            elif inside and len(words) == 2 and words[1].isdigit():
                counts[words[0]] = int(words[1])
            elif inside and not words:
                inside = False
        counts.pop("total", None)
        return counts

    def hashes(self) -> dict[str, str]:
        """Return a hash of every data file under results/."""
        results = self.folder / "results"
        return {
            str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(results.rglob("*"))
            if path.is_file() and not set(path.relative_to(results).parts) & set(IGNORED_RESULTS)
        }


TINY_CONFIG = {
    "sources": {
        "procthor": {"num_houses": 10, "houses_per_shard": 4},
        "rlbench": {"tasks": ["reach_target"], "episodes_per_task": 4, "size_px": 32},
        "scans": None,  # the tests of scans turn them on
    },
    "splits": {"train": 0.5, "val": 0.1, "test": 0.4},
    "views": {
        "preset": "draft",
        "furniture": "procedural",
        "width_px": 64,
        "height_px": 64,
        "policies": {"corner": 1, "random": 1, "panorama": 0, "top_down": 1},
        "min_pixels": 8,
    },
    "vqa": {"questions_per_view": 8, "min_pixels": 8},
    "train": {
        "tiny": {"num_houses": 1, "patch_steps": 2, "patch_batch_size": 2, "steps": 6},
        "experiments": {
            "tiny-lora": {"steps": 4, "batch_size": 4, "save_steps": 2},
            "rooms": None,
            "lifter": {"steps": 4, "batch_size": 8, "save_steps": 2, "width": 16, "layers": 1},
            "lifter-masked": None,
            "tiny-video": None,
        },
    },
    "evaluate": {"bootstrap_samples": 100, "keypoint_noise": [1]},
}
# The experiment of the default configuration that writes rooms, which TINY_CONFIG leaves out.
ROOMS = {
    **yaml.safe_load((ROOT / "config.yaml").read_text())["train"]["experiments"]["rooms"],
    **{"steps": 2, "batch_size": 2, "save_steps": 2, "max_new_tokens": 12},
    "layout": {"fields": ["centre"], "min_pixels": 8, "max_objects": 12},
}
WITHOUT_RLBENCH = {
    "sources": {"rlbench": None},
    "train": {"experiments": {"lifter": None, "lifter-masked": None}},
}


def cpu_s(work: Callable[[], object]) -> float:
    """Return the processor seconds of the processes that a piece of work starts and waits for."""

    def children_cpu_s() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = children_cpu_s()
    work()
    return children_cpu_s() - before
