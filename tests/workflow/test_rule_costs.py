"""The table of costs counts every job of a run, and knows the command of every rule."""

import re
from pathlib import Path

import pytest

from benchmarks import rule_costs
from tests.workflow.test_layout import ROOT, RULE_FILES
from workflow_scripts.common.errors import UserError

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def write(path: Path, wall_s: float, cpu: str, memory: str = "200.5") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    row = f"{wall_s}\t0:00:01\t{memory}\t1\t1\t1\t0\t0\t50\t{cpu}\n"
    path.write_text(HEADER + row)


def test_jobs_are_summed_by_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_costs, "import_cpu_s", lambda module: 0.5)
    write(tmp_path / "views/render_shard/procthor/0000.tsv", 20.0, "30.0")
    write(tmp_path / "views/render_shard/procthor/0001.tsv", 10.0, "9.5", memory="300")
    write(tmp_path / "vqa/merge_questions.tsv", 2.0, "40.0")
    # A job that ended before Snakemake looked at it.
    write(tmp_path / "evaluate/merge_scores.tsv", 0.2, "NA", memory="NA")
    costs = {cost.rule: cost for cost in rule_costs.read_costs(tmp_path)}
    assert list(costs) == ["merge_questions", "render_shard", "merge_scores"]
    assert costs["render_shard"] == rule_costs.RuleCost("render_shard", 2, 39.5, 30.0, 300.0, 0.5)
    assert costs["merge_scores"].cpu_s == 0
    table = rule_costs.cost_table(tmp_path)
    assert "4 jobs, 80 CPU seconds, of which 2 are imports" in table
    assert "| `merge_questions` | 1 | 40.0 | 50% | 2.0 | 200 MB | 0.50 |" in table
    with pytest.raises(UserError, match="no benchmark files"):
        rule_costs.read_costs(tmp_path / "nothing")


def test_the_command_of_every_rule_is_known() -> None:
    modules = rule_costs.modules_by_rule()
    named = {
        name
        for path in RULE_FILES
        for name in re.findall(r"results/benchmarks/\w+/(\w+)[/.]", path.read_text())
    }
    assert len(named) > 20
    assert named <= set(modules)
    for module in modules.values():
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
