"""What each rank runs. Everything heavy is imported only when signals are listened to."""

import logging
import os
import random
from collections.abc import Callable

from submitit import JobEnvironment
from submitit.helpers import DelayedSubmission, TorchDistributedEnvironment

from workflow_scripts.common.errors import UserError
from workflow_scripts.train.experiment import TrainingSpec
from workflow_scripts.train.preemption import PreemptionHandler, TrainingInterrupted

# Below the ports that Linux gives to outgoing connections (32768 and up): submitit draws from those
# too, and any connection on the node may then hold the port that rank 0 wants.
MASTER_PORT_RANGE = (20_000, 32_000)


def master_port(job_id: str) -> int:
    """Return the port at which the ranks of a job meet, the same on every rank."""
    return random.Random(job_id).randint(*MASTER_PORT_RANGE)


class Rank:
    """A rank of a training. Pickled by submitit; a job that is queued again runs it again."""

    def __init__(self, experiment: TrainingSpec, *, cluster: str, notice_s: float = 90.0) -> None:
        self.experiment = experiment
        self.cluster = cluster
        self.notice_s = notice_s

    def __call__(self) -> str | None:
        """Train; return the message of a mistake that the user can mend."""
        preemption = PreemptionHandler(
            counter_file=self.experiment.out / "launch/unsaved.json",
            checkpoints=self.experiment.checkpoints,
            notice_s=self.notice_s,
        )
        if self.cluster == "slurm":
            preemption.install_handlers()
        logging.basicConfig(
            level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", force=True
        )
        if self.cluster != "debug":
            # What this rank reported before the job was queued again is over.
            job_environment = JobEnvironment()
            job_environment.paths.result_pickle.unlink(missing_ok=True)
            os.environ.setdefault("MASTER_PORT", str(master_port(job_environment.job_id)))
            # Each rank sees all cards and takes the one of its local rank: hiding the others
            # would make libraries look for card n in a list of one.
            TorchDistributedEnvironment().export(set_cuda_visible_devices=False, overwrite=True)
        try:
            self.run_training(preemption.should_stop)
        except UserError as error:
            return str(error)
        except TrainingInterrupted as interruption:
            logging.getLogger(__name__).info("leaving: %s", interruption)
            preemption.requeue_and_wait()
        return None

    def run_training(self, should_stop: Callable[[], bool]) -> None:
        """Train."""
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        from workflow_scripts.train.finetune import train

        train(self.experiment, should_stop)

    def checkpoint(self) -> DelayedSubmission:
        """Go on as this if the signal comes before `leaving` listens to it."""
        return DelayedSubmission(self)
