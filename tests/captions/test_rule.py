"""The caption rules under Snakemake: estimate, secrets, what runs again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from testing.fake_chat_server import Answer, ReceivedRequest, caption_answer, run_server
from tests.captions.rooms import small_shard

ROOT = Path(__file__).parents[2]
PROMPTS = ROOT / "workflow_scripts/captions/prompts"
KEY = "sk-rule-0123456789abcdef"
TARGETS = [f"results/captions/procthor/{name}.jsonl" for name in ("0000", "assets")]
SNAKEFILE = (
    'configfile: "config.yaml"\ninclude: "rules/common.smk"\ninclude: "rules/captions.smk"\n'
)


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    """Return a folder with the caption rules alone, one shard of views, prompts of its own."""
    for name in ("rules", "workflow_scripts", "envs", "config.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    small_shard(tmp_path / "results" / "views" / "procthor" / "0000.zarr", num_scenes=2)
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    for path in PROMPTS.glob("*.txt"):
        (prompts / path.name).write_text(path.read_text())
    return tmp_path


def configured(workflow: Path, **captions: object) -> None:
    houses = {"houses": "generate", "num_houses": 2, "houses_per_shard": 4}
    config = {"sources": {"procthor": houses}, "captions": captions}
    (workflow / "mine.json").write_text(json.dumps(config))


def snakemake(workflow: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *TARGETS, *flags]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [*command, "--configfile", "mine.json"],
        cwd=workflow,
        env=os.environ | {"PATH": path, "OPENAI_API_KEY": KEY},
        capture_output=True,
        text=True,
    )


def test_a_server_is_asked_with_an_estimate_and_the_key_is_written_nowhere(
    workflow: Path,
) -> None:
    def answer(received: ReceivedRequest) -> Answer:
        return caption_answer(f"A room, item {received.item}.")

    with run_server(answer) as server:
        chosen = {"backend": "openai", "base_url": server.url, "prompts": "prompts"}
        configured(workflow, **chosen)
        planned_jobs = snakemake(workflow, "-n")
        done = snakemake(workflow)
        num_paid = server.num_paid
        configured(workflow, **chosen, max_cost_usd=1.0, concurrency=2)
        capped = snakemake(workflow, "-n")
        (workflow / "prompts" / "asset.txt").write_text("Name this {category}.")
        changed = snakemake(workflow)

    assert "about 92 requests" in planned_jobs.stdout + planned_jobs.stderr
    assert "cap 5.0 USD" in planned_jobs.stdout + planned_jobs.stderr
    assert done.returncode == changed.returncode == 0, done.stderr + changed.stderr
    # Another cap or number of calls at once is no reason to write captions again.
    assert "Nothing to be done" in capped.stdout + capped.stderr
    assert num_paid == 4 + 2
    # A changed prompt for assets asks for the two assets that are seen well enough, only.
    assert server.num_paid == num_paid + 2
    assert "caption_shard" not in changed.stdout + changed.stderr
    assert server.received[0].authorization == f"Bearer {KEY}"
    for path in workflow.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert KEY.encode() not in path.read_bytes(), path
    assert KEY not in done.stdout + done.stderr
