"""DeepSpeed trainings on a live cluster: two nodes as two ranks here, and three ways to be cut off.

The cut-off trainings run at the same time, each on nodes of its own, for most of it is waiting.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.slurm.cluster import Cluster
from tests.slurm.trainings import (
    MACHINE,
    SAVE_STEPS,
    STEPS,
    Run,
    beside,
    cut_off_three,
    launched,
    plan_in,
    settings,
)
from tests.train.micro import losses, validation_losses
from workflow_scripts.common.storage import read_json
from workflow_scripts.train import launch
from workflow_scripts.train.experiment import Experiment


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Experiment]:
    """Return the training of all tests here: ZeRO-3, a checkpoint every six steps."""
    with settings():
        yield plan_in(tmp_path_factory.mktemp("trainings"))


@pytest.fixture(scope="module")
def here(plan: Experiment) -> Experiment:
    """Return the undisturbed training, two ranks on this machine."""
    launched(plan, launch.Machine(cluster="local", num_processes=2, threads=1)).finish()
    return plan


def assert_same_end(run: Run, here: Experiment) -> None:
    """Compare to the last printed digit; a digit may round either way."""
    assert losses(run.experiment)[-1] == pytest.approx(losses(here)[-1], abs=1.5e-6)
    assert validation_losses(run.experiment)[-1] == pytest.approx(
        validation_losses(here)[-1], abs=1.5e-6
    )
    rows = read_json(run.experiment.out / "metrics.json")["history"]
    assert len(rows) == len(read_json(here.out / "metrics.json")["history"])


def test_two_nodes_train_as_two_ranks_here(
    cluster: Cluster, plan: Experiment, here: Experiment
) -> None:
    run = launched(beside(plan, "nodes"), replace(MACHINE, nodes=2))
    run.finish()
    job = run.job(cluster)
    assert (job["NumNodes"], job["NumTasks"], job["NodeList"]) == ("2", "2", "l40s-[1-2]")
    # Sums over two ranks have one order, so even the noise is the same; 1e-5 is that of float32.
    assert losses(run.experiment) == pytest.approx(losses(here), abs=1e-5)
    assert validation_losses(run.experiment) == pytest.approx(validation_losses(here), abs=1e-5)
    assert losses(here)[-1] < losses(here)[0] - 0.5


@pytest.fixture(scope="module")
def cut_off(cluster: Cluster, plan: Experiment, here: Experiment) -> dict[str, Run]:
    """Cut three trainings off in the middle, and wait until each has ended."""
    return cut_off_three(cluster, plan)


@pytest.mark.parametrize("name", ["signal", "limit", "node"])
def test_a_training_that_is_cut_off_ends_as_if_nothing_had_been(
    cluster: Cluster, cut_off: dict[str, Run], here: Experiment, name: str
) -> None:
    run = cut_off[name]
    job = run.job(cluster)
    assert job["Restarts"] == "1"
    done = [len(run.steps(life)) for life in (0, 1)]
    assert 0 < done[0] < STEPS
    lost = sum(done) - STEPS
    # Notice is time to save; a dead node takes what was done since the last checkpoint.
    assert lost == 0 if name != "node" else 0 <= lost <= SAVE_STEPS
    assert_same_end(run, here)
    log = "".join(path.read_text() for path in run.experiment.out.glob("launch/*_0_log.*"))
    assert re.search(r"from checkpoint-\d+", log)
    if name == "node":
        assert run.lost_node not in job["NodeList"]
