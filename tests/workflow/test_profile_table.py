"""The table of GPU rules in docs/cluster.md is the profile's.

    python -m tests.workflow.test_profile_table

prints it after the profile was changed.
"""

import sys

import yaml

from tests.workflow.test_layout import PROFILE, ROOT

WITH_UNITY = ("render_shard", "render_walks")


def table() -> str:
    """Return the profile's GPU rules and its defaults as a table."""
    text = PROFILE.read_text()
    for name in WITH_UNITY:
        text = text.replace(f"# {name}:", f"{name}:")
    profile = yaml.safe_load(text)
    rows = ["| rule | card | GPUs | nodes | memory of a node | time limit | partition |"]
    rows.append("|---|---|---|---|---|---|---|")
    for name, line in profile["set-resources"].items():
        note = " (with Unity)" if name in WITH_UNITY else ""
        card = line["gpu_model"].upper()
        hours = line["runtime"] / 60
        rows.append(
            f"| `{name}`{note} | {card} | {line['gpu']} | {line['nodes']} | "
            f"{line['mem_mb'] // 1000} GB | {hours:g} h | {line['slurm_partition']} |"
        )
    partition = profile["default-resources"]["slurm_partition"]
    rows.append(f"| every other rule | none | 0 | 1 | its own | its own | {partition} |")
    return "\n".join(rows)


def test_the_cluster_page_shows_the_profile() -> None:
    text = (ROOT / "docs/cluster.md").read_text()
    assert table() in text, f"put this into docs/cluster.md:\n{table()}"


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
