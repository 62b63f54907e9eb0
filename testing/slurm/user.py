"""The shipped profile as a user of the test cluster edits it, and a shell on that cluster."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from testing.slurm.cluster import ACCOUNT, Cluster
from testing.wait import wait_until
from workflow_scripts.train.jobs import JobState

ROOT = Path(__file__).parents[2]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
# Short, so that a test does not wait a minute for the end of a job of one second.
SHORT_POLL_FLAGS = (
    "--slurm-init-seconds-before-status-checks=2",
    "--seconds-between-status-checks=2",
)
SHORT_POLL_FLAGS += ("--latency-wait=5",)


class User:
    """A folder with the profile in it, and a shell on the cluster."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder = folder
        self.cluster = cluster
        shutil.copytree(ROOT / "profiles", folder / "profiles")
        self.profile = folder / "profiles/slurm/config.yaml"
        self.replace("your_account", ACCOUNT)

    def replace(self, old: str, new: str, *, in_line: str = "") -> int:
        """Replace a word of the profile in the first line with `in_line`; return its number."""
        lines = self.profile.read_text().splitlines()
        for number, line in enumerate(lines):
            if old in line and in_line in line:
                lines[number] = line.replace(old, new, 1)
                self.profile.write_text("\n".join(lines) + "\n")
                return number + 1
        raise AssertionError(f"no line with {old!r} and {in_line!r}")

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Snakemake with the profile."""
        path = f"{SNAKEMAKE.parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [str(SNAKEMAKE), "--profile", "profiles/slurm", *SHORT_POLL_FLAGS, *arguments],
            cwd=self.folder,
            env=self.cluster.environment | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            # Snakemake's output comes last, so that a shortened log still has it.
            pytest.fail(self.cluster.log_tails() + done.stdout[-3000:] + done.stderr[-6000:])
        return done

    def gpu_rules(self) -> dict[str, dict[str, Any]]:
        """Return the profile's resources of each rule that uses GPUs."""
        lines: dict[str, dict[str, Any]] = yaml.safe_load(self.profile.read_text())["set-resources"]
        return {name: line for name, line in lines.items() if line.get("gpu")}

    def jobs_of(self, rule: str) -> list[dict[str, str]]:
        """Return SLURM's records of the jobs of a rule of this folder, oldest first.

        A job's files may be complete before SLURM has recorded its end: this waits for that.
        """
        mark = re.compile(rf"\brule_{rule}\b|/{rule}/launch/")
        ours: list[dict[str, str]] = []

        def have_ended() -> bool:
            ours[:] = [
                job
                for job in self.cluster.jobs()
                if job.get("StdOut", "").startswith(f"{self.folder}/")
                and mark.search(f"{job['Comment']} {job['StdOut']}")
            ]
            return all(JobState(job["JobState"]).is_over for job in ours)

        wait_until(have_ended, f"the jobs of {rule} to end")
        return sorted(ours, key=lambda job: int(job["JobId"]))
