"""Settings of all tests, and which of them stay on one worker when there are several."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Examples take the time they need: on a busy machine a quick one may wait for longer than the
# 200 ms that are allowed by default.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Tests that stay on one worker, by parts of their names: they share what is expensive to set up, or
# what a machine has only once. The longest group comes first, so that all workers end at about the
# same time. tests/workflow/test_project_files.py compares with the fixtures that tests use.
GROUPS = {
    "slurm": ("tests/slurm/", "::test_the_preflight_says_where_it_must_run"),
    "kills": ("::test_killed_twenty_times_ends_with_the_same_bytes",),
    "finished_run": (
        "tests/workflow/test_end_to_end.py",
        "tests/workflow/test_benchmarks.py",
        "::test_results_page_names_every_kind_of_file",
    ),
    "photos": ("tests/workflow/test_images.py",),
    "scans": ("tests/workflow/test_scans.py",),
    "reconstruction": ("tests/workflow/test_reconstruction_experiment.py",),
    "api_experiment": ("tests/workflow/test_api_experiment.py",),
    "toy_experiment": ("tests/workflow/test_toy_experiment.py",),
    "toy_family": ("tests/workflow/test_toy_family.py",),
    "finetune": ("tests/train/vlm/test_finetune.py",),
    "two_ranks": ("tests/train/vlm/test_two_ranks.py",),
    "pretrain": ("tests/train/base/test_pretrain.py",),
    "object_lists": ("tests/train/base/test_pretrain_object_lists.py",),
    "walks": ("tests/views/scans/test_render_walks.py", "tests/views/scans/test_select_frames.py"),
    "read_scans": ("tests/views/scans/test_read_scans.py",),
}


def group_of(nodeid: str) -> str | None:
    """Return the group of a test, None for one that may run on any worker."""
    for name, parts in GROUPS.items():
        if any(part in nodeid for part in parts):
            return name
    return None


def order(item: pytest.Item) -> tuple[int, bool]:
    """Return the sort key of a test: groups first, and before a cluster runs what wants none."""
    group = group_of(item.nodeid)
    index = list(GROUPS).index(group) if group else len(GROUPS)
    return index, group == "slurm" and "cluster" in getattr(item, "fixturenames", ())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the groups begin; the order of the other tests stays."""
    items.sort(key=order)


# Not `--dist loadgroup`: pytest-xdist 3.8 does not see its marks with pytest 9.
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return a scheduler that gives each group to one worker, and all other tests one by one."""
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid) or nodeid

    config.option.loadscopereorder = False
    return GroupScheduling(config, log)
