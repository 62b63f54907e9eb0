"""One cluster for all tests here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.slurm.cluster import Cluster, unavailable_reason
from testing.slurm.host_setup import new_folder
from testing.slurm.user import User


# Of the package, not the session: the other tests expect a machine without a cluster.
@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    """Start a private four-node SLURM cluster, and stop it after the last test."""
    reason = unavailable_reason()
    if reason:
        pytest.skip(reason)
    with Cluster(new_folder()) as running:
        yield running


@pytest.fixture
def user(cluster: Cluster, tmp_path: Path) -> User:
    """Return a fresh folder with the profile, edited for this cluster."""
    folder = tmp_path / "user"
    folder.mkdir()
    return User(folder, cluster)
