"""What each rank runs. Slow imports come after the signal handlers are installed."""

import atexit
import logging
import os
import random
import sys
from collections.abc import Callable

from submitit import JobEnvironment
from submitit.helpers import DelayedSubmission, TorchDistributedEnvironment

from workflow_scripts.common.errors import UserError
from workflow_scripts.train.preemption import PreemptionHandler, TrainingInterrupted
from workflow_scripts.train.training import TrainingSpec

# Below the ports that Linux gives to outgoing connections (32768 and up). Submitit chooses among
# those, and a connection of the node may then hold the port that rank 0 needs.
MASTER_PORT_RANGE = (20_000, 32_000)


def master_port(job_id: str) -> int:
    """Return the port at which the ranks of a job connect, the same on every rank."""
    return random.Random(job_id).randint(*MASTER_PORT_RANGE)


class Rank:
    """A rank of a training. Pickled by submitit; a job that is queued again runs it again."""

    def __init__(self, spec: TrainingSpec, *, cluster: str, notice_s: float = 90.0) -> None:
        self.spec = spec
        self.cluster = cluster
        self.notice_s = notice_s
        self._is_done = False

    def __call__(self) -> str | None:
        """Train; return the message of an error that the user can correct."""
        preemption = PreemptionHandler(
            counter_file=self.spec.out / "launch/requeues.json",
            checkpoints=self.spec.checkpoints,
            notice_s=self.notice_s,
        )
        if self.cluster == "slurm":
            preemption.install_handlers()
        logging.basicConfig(
            level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", force=True
        )
        if self.cluster != "debug":
            # Registered before the slow imports, so that it runs after their exit handlers.
            atexit.register(self._end_process)
            # The report of this rank from before the job was queued again is void.
            job_environment = JobEnvironment()
            job_environment.paths.result_pickle.unlink(missing_ok=True)
            os.environ.setdefault("MASTER_PORT", str(master_port(job_environment.job_id)))
            # Each rank sees all GPUs and uses the one of its local rank: if the others were hidden,
            # libraries would look for GPU n in a list of one.
            TorchDistributedEnvironment().export(set_cuda_visible_devices=False, overwrite=True)
        try:
            self.run_training(preemption.should_stop)
            self._is_done = True
        except UserError as error:
            return str(error)
        except TrainingInterrupted as interruption:
            logging.getLogger(__name__).info("stopping: %s", interruption)
            preemption.requeue_and_wait()
        return None

    def _end_process(self) -> None:
        """End a rank that has trained and reported, without tearing the interpreter down.

        A library's thread that wakes up meanwhile would abort the process from within C++, and
        SLURM would count the job as failed (`common.cli.end_process`).
        """
        if self._is_done and getattr(sys, "last_value", None) is None:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(0)

    def run_training(self, should_stop: Callable[[], bool]) -> None:
        """Train."""
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        self.spec.train(should_stop)

    def checkpoint(self) -> DelayedSubmission:
        """Run again as this if the signal comes before the handlers are installed."""
        return DelayedSubmission(self)
