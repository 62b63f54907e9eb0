"""Settings of all tests, and which of them stay on one worker when there are several."""

import pytest
from hypothesis import HealthCheck, settings

# Examples take the time they need: on a busy machine a quick one may wait for longer than the
# 200 ms that are allowed by default.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Groups of tests that stay on one worker, for they share what is expensive to set up or what a
# machine has only once. The longest come first, so that all workers end at about the same time.
SLURM, FINISHED_RUN, KILLS, PHOTOS = GROUPS = ("slurm", "finished_run", "kills", "photos")


def group_of(item: pytest.Item) -> str | None:
    """Return the group of a test, None for one that may run on any worker."""
    fixtures = getattr(item, "fixturenames", ())
    if item.nodeid.startswith("tests/slurm/") or "no_cluster" in item.keywords:
        return SLURM
    if "test_kill_and_resume.py" in item.nodeid and "finished_run" in fixtures:
        return KILLS
    if "finished_run" in fixtures:
        return FINISHED_RUN
    if "tests/workflow/test_images.py" in item.nodeid and "finished" in fixtures:
        return PHOTOS
    return None


def order(item: pytest.Item) -> tuple[int, bool]:
    """Return the sort key of a test: groups first, and before a cluster runs what wants none."""
    group = group_of(item)
    place = GROUPS.index(group) if group else len(GROUPS)
    return place, group == SLURM and "cluster" in getattr(item, "fixturenames", ())


# Before pytest-xdist looks for the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the groups, and let them begin; the order of the others stays."""
    for item in items:
        if group := group_of(item):
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=order)
