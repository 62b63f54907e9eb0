"""DeepSpeed trainings on a live cluster: two nodes as two ranks here, and three ways to be cut off.

The cut-off trainings run at the same time, each on nodes of its own, for most of it is waiting.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from testing.micro_training import losses, validation_losses
from testing.slurm.cluster import Cluster
from testing.slurm.interrupted_trainings import (
    MACHINE,
    SAVE_STEPS,
    STEPS,
    InterruptedTraining,
    in_sibling_folder,
    interrupt_three_trainings,
    launch_in_thread,
    make_experiment,
    settings,
)
from workflow_scripts.common.storage import read_json
from workflow_scripts.train import launch
from workflow_scripts.train.vlm.experiment import VlmExperiment


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VlmExperiment]:
    """Return the training of all tests here: ZeRO-3, a checkpoint every six steps."""
    with settings():
        yield make_experiment(tmp_path_factory.mktemp("trainings"))


@pytest.fixture(scope="module")
def undisturbed(plan: VlmExperiment) -> VlmExperiment:
    """Return the undisturbed training, two ranks on this machine."""
    launch_in_thread(plan, launch.JobResources(cluster="local", threads=1)).finish()
    return plan


def assert_same_result(run: InterruptedTraining, undisturbed: VlmExperiment) -> None:
    """Compare to the last printed digit; a digit may round either way."""
    assert losses(run.experiment)[-1] == pytest.approx(losses(undisturbed)[-1], abs=1.5e-6)
    assert validation_losses(run.experiment)[-1] == pytest.approx(
        validation_losses(undisturbed)[-1], abs=1.5e-6
    )
    rows = read_json(run.experiment.out / "metrics.json")["history"]
    assert len(rows) == len(read_json(undisturbed.out / "metrics.json")["history"])


def test_two_nodes_train_as_two_ranks_here(
    cluster: Cluster, plan: VlmExperiment, undisturbed: VlmExperiment
) -> None:
    run = launch_in_thread(in_sibling_folder(plan, "nodes"), replace(MACHINE, nodes=2))
    run.finish()
    job = run.job(cluster)
    assert (job["NumNodes"], job["NumTasks"], job["NodeList"]) == ("2", "2", "l40s-[1-2]")
    # Sums over two ranks have one order, so even the noise is the same; 1e-5 is that of float32.
    assert losses(run.experiment) == pytest.approx(losses(undisturbed), abs=1e-5)
    assert validation_losses(run.experiment) == pytest.approx(
        validation_losses(undisturbed), abs=1e-5
    )
    assert losses(undisturbed)[-1] < losses(undisturbed)[0] - 0.5


@pytest.fixture(scope="module")
def interrupted(
    cluster: Cluster, plan: VlmExperiment, undisturbed: VlmExperiment
) -> dict[str, InterruptedTraining]:
    """Cut three trainings off in the middle, and wait until each has ended."""
    return interrupt_three_trainings(cluster, plan)


@pytest.mark.parametrize("name", ["signal", "limit", "node"])
def test_a_training_that_is_cut_off_ends_as_if_nothing_had_been(
    cluster: Cluster,
    interrupted: dict[str, InterruptedTraining],
    undisturbed: VlmExperiment,
    name: str,
) -> None:
    run = interrupted[name]
    job = run.job(cluster)
    assert job["Restarts"] == "1"
    done = [len(run.steps(restart_count)) for restart_count in (0, 1)]
    assert 0 < done[0] < STEPS
    lost = sum(done) - STEPS
    # Notice is time to save; a dead node takes what was done since the last checkpoint.
    assert lost == 0 if name != "node" else 0 <= lost <= SAVE_STEPS
    assert_same_result(run, undisturbed)
    log = "".join(path.read_text() for path in run.experiment.out.glob("launch/*_0_log.*"))
    assert re.search(r"from checkpoint-\d+", log)
    if name == "node":
        assert run.lost_node not in job["NodeList"]
