"""The tasks of the embedded robot simulator: one file each, under RLBench's names."""

from pathlib import Path

from workflow_scripts.common.rlbench import tasks_in

NAMES = tasks_in(Path(__file__).parent)
