"""The caption commands as a user calls them: kills, caps, overrides, secrets, bad input."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from testing.fake_chat_server import (
    Answer,
    FakeChatServer,
    ReceivedRequest,
    caption_answer,
    completion,
    error_answer,
    kill_after_replies,
    run_server,
)
from tests.captions.rooms import small_shard
from workflow_scripts.common.records import Caption
from workflow_scripts.common.storage import read_records

ROOT = Path(__file__).parents[2]
PROMPTS = ROOT / "workflow_scripts/captions/prompts"
KEY = "sk-test-0123456789abcdef"
# USAGE of the test server (1000 + 100 tokens) at gpt-4o's list price.
COST_USD = (1000 * 2.5 + 100 * 10.0) / 1e6


def arguments(
    folder: Path, shard: Path, *flags: str, module: str = "caption_shard", name: str = "0000"
) -> list[str]:
    command = [sys.executable, "-m", f"workflow_scripts.captions.{module}", "--views", str(shard)]
    outputs = ["--out", str(folder / f"{name}.jsonl"), "--picture", str(folder / f"{name}.png")]
    return [*command, *outputs, "--seed", "7", *flags]


def environment(key: str | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    return kept | ({"OPENAI_API_KEY": key} if key else {})


def run(command: list[str], *, key: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment(key))


def openai_flags(
    server: FakeChatServer, cache: Path, *more: str, timeout_s: float = 20.0
) -> list[str]:
    flags = ["--backend", "openai", "--base-url", server.url, "--cache", str(cache)]
    return [*flags, "--timeout-s", str(timeout_s), *more]


def caption_text(received: ReceivedRequest) -> str:
    return f"A room, item {received.item}."


def well(received: ReceivedRequest) -> Answer:
    return caption_answer(caption_text(received))


def rows(path: Path) -> list[Caption]:
    return read_records(path, Caption)


def test_scene_captions_are_written_twice_with_the_same_bytes(tmp_path: Path) -> None:
    shard = small_shard(tmp_path / "v.zarr", num_scenes=2)
    for folder in ("a", "b"):
        done = run(arguments(tmp_path / folder, shard))
        assert done.returncode == 0, done.stderr

    found = rows(tmp_path / "a" / "0000.jsonl")
    assert [(row.scene_id, row.kind, row.status) for row in found] == [
        ("house-0", "room", "ok"),
        ("house-0", "top_down", "ok"),
        ("house-1", "room", "ok"),
        ("house-1", "top_down", "ok"),
    ]
    assert {row.backend for row in found} == {"scene"}
    for name in ("0000.jsonl", "0000.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert Image.open(tmp_path / "a" / "0000.png").width > 1000


def test_nothing_is_lost_when_every_request_meets_another_misfortune(tmp_path: Path) -> None:
    bad = [
        error_answer(429, "slow down", Retry_After="0.2"),
        error_answer(500, "oops"),
        Answer(b"", cut_to=0, wait_s=1.3),
        Answer(well(ReceivedRequest("x", 1, {}, "", 0)).content, cut_to=30),
        Answer(b"garbage"),
        completion({"role": "assistant", "content": None, "refusal": "I must not."}),
    ]
    order: dict[str, int] = {}

    def misbehaving(received: ReceivedRequest) -> Answer:
        number = order.setdefault(received.item, len(order))
        # The last two items always fail; every other item succeeds at its second request.
        fails_always = number >= len(bad)
        return (
            bad[4 + number % 2]
            if fails_always
            else (bad[number] if received.times == 1 else well(received))
        )

    shard = small_shard(tmp_path / "v.zarr", num_scenes=4)
    with run_server(misbehaving) as server:
        flags = openai_flags(
            server, tmp_path / "cache", "--max-failed-fraction", "0.3", timeout_s=1.0
        )
        done = run(arguments(tmp_path, shard, *flags), key=KEY)

    assert done.returncode == 0, done.stderr
    found = rows(tmp_path / "0000.jsonl")
    assert [(row.scene_id, row.kind) for row in found] == [
        (f"house-{number}", kind) for number in range(4) for kind in ("room", "top_down")
    ]
    assert sorted(row.status for row in found) == ["failed", *["ok"] * 6, "refused"]
    assert all(row.reason for row in found if row.status != "ok")
    assert all(row.text for row in found if row.status == "ok")
    assert "1 failed, 6 ok, 1 refused" in done.stderr


def test_too_many_failures_stop_the_job_early_and_keep_what_was_paid(tmp_path: Path) -> None:
    shard = small_shard(tmp_path / "v.zarr", num_scenes=4)
    good: set[str] = set()

    def half(received: ReceivedRequest) -> Answer:
        if len(good) < 2 or received.item in good:
            good.add(received.item)
            return well(received)
        return error_answer(500, "down")

    with run_server(half) as server:
        flags = openai_flags(server, tmp_path / "cache", "--max-retries", "0", "--concurrency", "1")
        failed = run(arguments(tmp_path, shard, *flags))
        num_asked = len(server.received)
        server.answer = well
        done = run(arguments(tmp_path, shard, *flags))

    assert failed.returncode == 1
    assert "2 of 8 captions failed" in failed.stderr
    assert "HTTP 500: " in failed.stderr
    assert "Traceback" not in failed.stderr
    assert num_asked == 4
    assert done.returncode == 0, done.stderr
    assert [row.status for row in rows(tmp_path / "0000.jsonl")] == ["ok"] * 8
    assert set(server.paid.values()) == {1}


@pytest.mark.parametrize("num_paid", [1, 7])
def test_nothing_is_paid_twice_after_a_kill(tmp_path: Path, num_paid: int) -> None:
    concurrency = 2
    shard = small_shard(tmp_path / "v.zarr", num_scenes=6)

    with run_server(well) as server:
        flags = openai_flags(server, tmp_path / "cache", "--concurrency", str(concurrency))
        command = arguments(tmp_path, shard, *flags)
        under_way = kill_after_replies(
            server,
            command,
            num=num_paid,
            cache=tmp_path / "cache",
            log=tmp_path / "killed.log",
            cwd=ROOT,
            env=environment(KEY),
        )
        assert not (tmp_path / "0000.jsonl").exists()
        again = run(command, key=KEY)
        fresh = openai_flags(server, tmp_path / "undisturbed", "--concurrency", "3")
        with server.lock:
            paid = dict(server.paid)
        undisturbed = run(arguments(tmp_path / "whole", shard, *fresh), key=KEY)

    assert again.returncode == undisturbed.returncode == 0, again.stderr
    assert len(paid) == 12
    twice = {item for item, times in paid.items() if times > 1}
    assert twice <= under_way
    assert max(paid.values()) <= 2
    for name in ("0000.jsonl", "0000.png"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_the_spend_cap_stops_cleanly_keeps_what_is_paid_and_can_be_raised(
    tmp_path: Path,
) -> None:
    shard = small_shard(tmp_path / "v.zarr", num_scenes=5)
    cap_usd = 0.02
    with run_server(well) as server:
        flags = openai_flags(server, tmp_path / "cache", "--concurrency", "3")
        stopped = run(arguments(tmp_path, shard, *flags, "--max-cost-usd", str(cap_usd)))
        num_before = server.num_paid
        still = run(arguments(tmp_path, shard, *flags, "--max-cost-usd", str(cap_usd)))
        assert server.num_paid == num_before
        done = run(arguments(tmp_path, shard, *flags, "--max-cost-usd", "1"))

    # A reply costs 0.0035, and before it is known up to 0.003 for output + 0.0015 for input. After
    # four, 0.014 + 0.0045 fits under the cap; after five, 0.0175 + 0.0045 does not.
    assert num_before == 5
    assert num_before * COST_USD <= cap_usd
    for failed in (stopped, still):
        assert failed.returncode == 1
        assert "captions.max_cost_usd (0.02) is reached" in failed.stderr
        assert "raise the cap" in failed.stderr
        assert "Traceback" not in failed.stderr
    assert done.returncode == 0, done.stderr
    assert set(server.paid.values()) == {1}
    assert len(rows(tmp_path / "0000.jsonl")) == 10


def test_overrides_win_and_are_not_paid_for(tmp_path: Path) -> None:
    shard = small_shard(tmp_path / "v.zarr", num_scenes=2)
    overrides = tmp_path / "mine.jsonl"
    by_hand = {"kind": "room", "scene_id": "house-1", "room_id": "room|2", "text": "By hand."}
    elsewhere = {"kind": "room", "scene_id": "house-9", "room_id": "room|2", "text": "Elsewhere."}
    asset = {"asset_id": "Sofa_1", "text": "a fine red sofa"}
    overrides.write_text("\n".join(json.dumps(line) for line in (by_hand, elsewhere, asset)))
    with run_server(well) as server:
        flags = openai_flags(server, tmp_path / "cache", "--overrides", str(overrides))
        rooms = run(arguments(tmp_path, shard, *flags))
        assert server.num_paid == 3
        assets = run(
            arguments(
                tmp_path,
                shard,
                "--source",
                "procthor",
                *flags,
                module="caption_assets",
                name="assets",
            )
        )

    assert rooms.returncode == assets.returncode == 0, rooms.stderr + assets.stderr
    found = {(row.scene_id, row.kind): row for row in rows(tmp_path / "0000.jsonl")}
    manual = found["house-1", "room"]
    assert (manual.status, manual.text, manual.model) == ("manual", "By hand.", "")
    assert found["house-0", "room"].status == "ok"
    assets = {row.asset_id: row for row in rows(tmp_path / "assets.jsonl")}
    assert assets["Sofa_1"].text == "a fine red sofa"
    assert assets["DiningTable_1"].status == "ok"
    # Its pictures are too small to be asked about.
    assert (assets["Vase_1"].status, assets["Vase_1"].text) == ("failed", "")
    assert assets["Vase_1"].reason == "no view shows it clearly"


def test_the_key_is_nowhere_but_in_the_header(tmp_path: Path) -> None:
    shard = small_shard(tmp_path / "v.zarr", num_scenes=2)

    def telling(received: ReceivedRequest) -> Answer:
        if received.times == 1:
            return error_answer(500, f"the key {KEY} met an error")
        if received.times == 2:
            return Answer(f"proxy saw {KEY}".encode())
        return well(received)

    def refusing(received: ReceivedRequest) -> Answer:
        return error_answer(401, f"Incorrect API key provided: {KEY}")

    with run_server(telling) as server:
        flags = openai_flags(server, tmp_path / "cache")
        done = run(arguments(tmp_path, shard, *flags), key=KEY)
        server.answer = refusing
        fresh = openai_flags(server, tmp_path / "other")
        refused = run(arguments(tmp_path / "refused", shard, *fresh), key=KEY)

    assert done.returncode == 0, done.stderr
    assert refused.returncode == 1
    assert "401" in refused.stderr
    assert server.received[0].authorization == f"Bearer {KEY}"
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(list((tmp_path / "cache").iterdir())) >= 4
    for path in written:
        assert KEY.encode() not in path.read_bytes(), path
    assert KEY not in done.stdout + done.stderr + refused.stdout + refused.stderr


def test_a_changed_prompt_asks_only_for_its_kind_again(tmp_path: Path) -> None:
    shard = small_shard(tmp_path / "v.zarr", num_scenes=2)
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    for path in PROMPTS.glob("*.txt"):
        (prompts / path.name).write_text(path.read_text())
    with run_server(well) as server:
        flags = openai_flags(server, tmp_path / "cache", "--prompts", str(prompts))
        run(arguments(tmp_path, shard, *flags))
        before = rows(tmp_path / "0000.jsonl")
        assert server.num_paid == 4
        (prompts / "room.txt").write_text("What is in this {room_type}?")
        run(arguments(tmp_path, shard, *flags))
        after = rows(tmp_path / "0000.jsonl")

    assert server.num_paid == 6
    changed = [old.prompt != new.prompt for old, new in zip(before, after, strict=True)]
    assert changed == [True, False, True, False]
    assert [new == old for old, new in zip(before, after, strict=True)] == [False, True] * 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--settings", '{"backend": "opnai"}'], "did you mean 'openai'"),
        (["--backend", "openai"], "export OPENAI_API_KEY"),
        (
            ["--backend", "openai", "--base-url", "http://me:pass-word-1@127.0.0.1:9/v1"],
            "base_url: the address holds a password",
        ),
        (["--overrides", "nowhere.jsonl"], "nowhere.jsonl: no such file"),
        (
            ["--backend", "openai", "--base-url", "http://127.0.0.1:9/v1", "--model", "mine"],
            "captions.input_usd_per_million",
        ),
        (
            ["--backend", "openai", "--base-url", "http://127.0.0.1:9/v1", "--prompts", "nowhere"],
            "room.txt: no such prompt file",
        ),
        (
            [
                *("--backend", "openai", "--base-url", "http://127.0.0.1:9/v1"),
                *("--max-retries", "0", "--max-cost-usd", "None"),
            ],
            "captions failed",
        ),
    ],
    ids=["backend", "key", "password", "overrides", "price", "prompts", "no server"],
)
def test_what_a_user_can_fix_is_one_error_without_a_trace(
    tmp_path: Path, flags: list[str], message: str
) -> None:
    shard = small_shard(tmp_path / "v.zarr", num_scenes=1)
    failed = run(arguments(tmp_path, shard, "--cache", str(tmp_path / "cache"), *flags))

    assert failed.returncode == 1
    assert message in failed.stderr
    assert "Traceback" not in failed.stderr
    assert "pass-word-1" not in failed.stderr
    assert not (tmp_path / "0000.jsonl").exists()


def test_a_damaged_shard_is_one_error(tmp_path: Path) -> None:
    shard = small_shard(tmp_path / "v.zarr", num_scenes=1)
    (tmp_path / "v.visibility.parquet").write_bytes(b"PAR1 cut")
    failed = run(arguments(tmp_path, shard))

    assert failed.returncode == 1
    assert "v.visibility.parquet" in failed.stderr
    assert "Traceback" not in failed.stderr
