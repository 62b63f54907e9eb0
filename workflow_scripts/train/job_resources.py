"""Where the ranks of a training run: the resources of its rule."""

import os
from dataclasses import dataclass
from typing import Literal

from workflow_scripts.common.errors import UserError


@dataclass(frozen=True)
class JobResources:
    """Where ranks run: one rank a GPU; without GPUs, on processors.

    Attributes:
        cluster: slurm, local (this machine), or debug (in this process).
        nodes: Nodes.
        gpus: GPUs over all nodes.
        gpu_model: GPU model, as the cluster's GRES names it; empty takes any.
        partition: Partition; empty takes the cluster's default.
        account: Account; empty takes the user's default.
        minutes: Time limit.
        mem_mb: Memory of a node; 0 leaves it to the cluster.
        threads: Processor cores of a rank; 0 divides this machine's cores among the ranks.
    """

    cluster: Literal["local", "slurm", "debug"] = "local"
    nodes: int = 1
    gpus: int = 0
    gpu_model: str = ""
    partition: str = ""
    account: str = ""
    minutes: int = 1440
    mem_mb: int = 0
    threads: int = 0

    def ranks_per_node(self, num_processes: int) -> int:
        """Return how many ranks a node has; without GPUs they are `num_processes`."""
        for flag, value, least in (
            ("nodes", self.nodes, 1),
            ("gpus", self.gpus, 0),
            ("num-processes", num_processes, 1),
        ):
            if value < least:
                raise UserError(f"--{flag} {value}: must be {least} or more")
        if self.gpus % self.nodes:
            raise UserError(f"--gpus {self.gpus} must be a multiple of --nodes {self.nodes}")
        return self.gpus // self.nodes or num_processes

    def num_ranks(self, num_processes: int) -> int:
        """Return how many ranks there are."""
        return self.ranks_per_node(num_processes) * self.nodes

    def notice_s(self) -> int:
        """Return how long before the time limit SLURM signals: a tenth of it, at most 5 minutes."""
        return max(30, min(300, 6 * self.minutes))

    def threads_per_rank(self, num_processes: int) -> int:
        """Return how many cores a rank may use."""
        cores = len(os.sched_getaffinity(0))
        return self.threads or max(1, cores // self.ranks_per_node(num_processes))
