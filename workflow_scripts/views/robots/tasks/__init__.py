"""The tasks of the embedded robot simulator: one file each, under RLBench's names."""

from pathlib import Path

from workflow_scripts.sources.readers.rlbench_tasks import list_tasks

NAMES = list_tasks(Path(__file__).parent)
