"""What a user asked Snakemake for."""

import pytest

from workflow_scripts.common.snakemake_command import unknown_target


@pytest.mark.parametrize("targets", [(), ("views",), ("views", "results/eval.csv"), ("a.csv",)])
def test_rules_and_paths_are_targets(targets: tuple[str, ...]) -> None:
    assert unknown_target(targets, ["views", "vqa"]) is None


def test_a_word_that_is_no_rule_is_named_with_the_nearest_one() -> None:
    problem = unknown_target(["vqa", "view"], ["views", "vqa"])
    assert problem == "view: no such target; allowed: views, vqa; did you mean 'views'?"
