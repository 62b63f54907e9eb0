"""What each rank runs. Everything heavy is imported only when signals are listened to."""

import logging
import os
import random
from collections.abc import Callable

from submitit import JobEnvironment
from submitit.helpers import DelayedSubmission, TorchDistributedEnvironment

from workflow_scripts.common.errors import UserError
from workflow_scripts.train.experiment import Training
from workflow_scripts.train.leaving import Interrupted, Leaving

# Below the ports that Linux gives to outgoing connections (32768 and up): submitit draws from those
# too, and any connection on the node may then hold the port that rank 0 wants.
PORTS = (20_000, 32_000)


def master_port(job_id: str) -> int:
    """Return the port at which the ranks of a job meet, the same on every rank."""
    return random.Random(job_id).randint(*PORTS)


class Rank:
    """A rank of a training. Pickled by submitit; a job that is queued again runs it again."""

    def __init__(self, experiment: Training, *, cluster: str, notice_s: float = 90.0) -> None:
        self.experiment = experiment
        self.cluster = cluster
        self.notice_s = notice_s

    def __call__(self) -> str | None:
        """Train; return the message of a mistake that the user can mend."""
        leaving = Leaving(
            note=self.experiment.out / "launch/unsaved.json",
            checkpoints=self.experiment.checkpoints,
            notice_s=self.notice_s,
        )
        if self.cluster == "slurm":
            leaving.listen()
        logging.basicConfig(
            level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", force=True
        )
        if self.cluster != "debug":
            # What this rank reported before the job was queued again is over.
            here = JobEnvironment()
            here.paths.result_pickle.unlink(missing_ok=True)
            os.environ.setdefault("MASTER_PORT", str(master_port(here.job_id)))
            # Each rank sees all cards and takes the one of its local rank: hiding the others
            # would make libraries look for card n in a list of one.
            TorchDistributedEnvironment().export(set_cuda_visible_devices=False, overwrite=True)
        try:
            self.work(leaving.is_leaving)
        except UserError as error:
            return str(error)
        except Interrupted as interruption:
            logging.getLogger(__name__).info("leaving: %s", interruption)
            leaving.go()
        return None

    def work(self, is_leaving: Callable[[], bool]) -> None:
        """Train."""
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        from workflow_scripts.train.train import train

        train(self.experiment, is_leaving)

    def checkpoint(self) -> DelayedSubmission:
        """Go on as this if the signal comes before `leaving` listens to it."""
        return DelayedSubmission(self)
