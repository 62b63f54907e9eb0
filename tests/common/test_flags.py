"""Settings as flags of a command."""

from workflow_scripts.common.flags import as_flags

SETTINGS = {"kinds": ["a", "b c"], "max_cost": None, "none_yet": [], "seed": 7, "on": True}


def test_lists_are_spread_and_nothing_is_no_flag():
    names = ["kinds", "max_cost", "none_yet", "seed"]
    assert as_flags(SETTINGS, names) == "--kinds a 'b c' --seed 7"
    assert as_flags(SETTINGS, names, with_null=True) == "--kinds a 'b c' --max-cost None --seed 7"


def test_groups_and_switches() -> None:
    settings = {"noise.depth_m": 0.1, "noise.mirror": False, "save_all": True}
    assert as_flags(settings, list(settings)) == "--noise.depth-m 0.1 --noise.no-mirror --save-all"
