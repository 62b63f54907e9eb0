"""The paraphrase rule under Snakemake: estimate, secrets, what runs again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from testing.fake_chat_server import run_server
from tests.vqa.test_paraphrase import good_reply, left_of
from workflow_scripts.common.questions import Question
from workflow_scripts.common.storage import read_records, write_records

ROOT = Path(__file__).parents[2]
KEY = "sk-rule-0123456789abcdef"
SNAKEFILE = 'configfile: "config.yaml"\ninclude: "rules/common.smk"\ninclude: "rules/vqa.smk"\n'
OUT = "results/vqa/procthor/0000.paraphrased.jsonl"


def linked(folder: Path) -> None:
    """Make a workflow of the questions alone, with the project's own rules and scripts."""
    for name in ("rules", "workflow_scripts", "envs", "config.yaml"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "Snakefile").write_text(SNAKEFILE)


def snakemake(folder: Path, paraphrase: dict, *flags: str) -> subprocess.CompletedProcess[str]:
    houses = {"houses": "generate", "num_houses": 2, "houses_per_shard": 4}
    config = {"sources": {"procthor": houses}, "vqa": {"paraphrase": paraphrase}}
    (folder / "mine.json").write_text(json.dumps(config))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [*(sys.executable, "-m", "snakemake", "--cores", "1", OUT, *flags),
         *("--configfile", "mine.json")],
        cwd=folder,
        env=os.environ | {"PATH": path, "OPENAI_API_KEY": KEY},
        capture_output=True,
        text=True,
    )  # fmt: skip


def test_a_server_is_asked_with_an_estimate_and_the_key_is_written_nowhere(tmp_path: Path) -> None:
    linked(tmp_path)
    write_records(tmp_path / "results/vqa/procthor/0000.jsonl", [left_of(0), left_of(1, scene="b")])
    with run_server(good_reply) as server:
        chosen = {"base_url": server.url}
        planned_jobs = snakemake(tmp_path, chosen, "-n")
        done = snakemake(tmp_path, chosen)
        num_paid = server.num_paid
        capped = snakemake(tmp_path, {**chosen, "max_cost_usd": 1.0, "concurrency": 2}, "-n")
    assert "whole workflow, at most: about" in planned_jobs.stdout + planned_jobs.stderr
    assert "cap 5.0 USD" in planned_jobs.stdout + planned_jobs.stderr
    assert done.returncode == 0, done.stderr
    # Two equal questions about two pictures are one request.
    assert num_paid == 1
    assert [bool(record.template) for record in read_records(tmp_path / OUT, Question)] == [
        True,
        True,
    ]
    # Another cap or number of calls at once is no reason to ask again.
    assert "Nothing to be done" in capped.stdout + capped.stderr
    assert server.received[0].authorization == f"Bearer {KEY}"
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert KEY.encode() not in path.read_bytes(), path
    assert KEY not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prompt": "no.txt"}, "no.txt: no such prompt file (vqa.paraphrase.prompt)"),
        ({"input_usd_per_million": 1.0}, "vqa.paraphrase.output_usd_per_million: null, but"),
    ],
    ids=["prompt", "price"],
)
def test_a_mistake_is_told_when_the_workflow_is_read(
    tmp_path: Path, settings: dict, message: str
) -> None:
    linked(tmp_path)
    done = snakemake(tmp_path, settings, "-n")
    output = done.stdout + done.stderr
    assert done.returncode == 1
    assert message in output
    assert "FileNotFoundError" not in output
    assert "workflow_scripts" not in output
