"""Prices, paid replies, the budget, prompts, failures, a few at once, pictures: each alone."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.server import PriceSettings
from workflow_scripts.models.chat.failure_limit import FailureLimit
from workflow_scripts.models.chat.image_encoding import encode_jpeg, resized_size
from workflow_scripts.models.chat.prices import PRICES, find_price
from workflow_scripts.models.chat.prompt_files import Prompt
from workflow_scripts.models.chat.reply_cache import Budget, PaidReply, ReplyCache, request_hash
from workflow_scripts.models.chat.thread_pool import map_concurrently

UNPRICED = {
    "section": "captions",
    "input_usd_per_million": None,
    "output_usd_per_million": None,
}


def paid_reply(attempt: int = 0, *, cost_usd: float = 0.25) -> PaidReply:
    return PaidReply(
        name="room house",
        model="m",
        prompt="room@0",
        attempt=attempt,
        input_tokens=1,
        output_tokens=1,
        cost_usd=cost_usd,
        body="{}",
    )


def test_image_tokens_follow_the_published_formulas() -> None:
    # 85 + 170 per 512-px tile, after fitting into 2048 and shrinking the short side to 768.
    assert PRICES["gpt-4o"].image_tokens(336, 336) == 255
    assert PRICES["gpt-4o"].image_tokens(1024, 1024) == 765
    assert PRICES["gpt-4o"].image_tokens(2048, 4096) == 1105
    assert PRICES["gpt-4o-mini"].image_tokens(512, 512) == 8500
    # 16 x 16 patches of 32 px, each counted 1.62 times.
    assert PRICES["gpt-4.1-mini"].image_tokens(512, 512) == 415
    assert PRICES["gpt-4o"].usd(input_tokens=1_000_000, output_tokens=100_000) == pytest.approx(3.5)


def test_prices_come_from_the_user_then_the_table_then_not_at_all() -> None:
    own = {**UNPRICED, "input_usd_per_million": 1.0, "output_usd_per_million": 2.0}
    mine = find_price("mine", **own, max_cost_usd=5.0)
    free = find_price("mine", **UNPRICED, max_cost_usd=None)

    assert mine.usd(input_tokens=1_000_000, output_tokens=1_000_000) == 3.0
    assert free.usd(input_tokens=10**9, output_tokens=10**9) == 0.0
    assert find_price("gpt-4o-2024-08-06", **UNPRICED, max_cost_usd=5.0) == PRICES["gpt-4o"]
    with pytest.raises(UserError, match=r"'mine' has no price.*max_cost_usd to null"):
        find_price("mine", **UNPRICED, max_cost_usd=5.0)
    with pytest.raises(UserError, match=r"output_usd_per_million: null, but .* go together"):
        PriceSettings.parse({"input_usd_per_million": 1.0})
    with pytest.raises(UserError, match=r"input_usd_per_million: null, .* is 0; .* go together"):
        PriceSettings.parse({"output_usd_per_million": 0})


def test_a_paid_reply_is_kept_whole_and_counted_over_caches(tmp_path: Path) -> None:
    cache, other = ReplyCache(tmp_path), ReplyCache(tmp_path)
    cache.store("a", paid_reply())
    assert other.spent_usd() == 0.25
    other.store("a", paid_reply(1))
    (tmp_path / ".left-over.partial").write_text("cut")

    assert cache.get("a", 0) == paid_reply()
    assert cache.get("a", 2) is None
    assert cache.spent_usd() == 0.5
    (tmp_path / "b.0.json").write_text("{")
    with pytest.raises(UserError, match=r"b\.0\.json.*Remove this file"):
        cache.spent_usd()


def test_the_hash_depends_on_parameters_and_pixels() -> None:
    image = np.zeros((2, 3, 3), dtype=np.uint8)
    changed = image.copy()
    changed[1, 2, 0] = 1
    hashes = {
        request_hash(parameters, picture)
        for parameters in ({"model": "a"}, {"model": "b"})
        for picture in (image, changed, image.reshape(3, 2, 3))
    }

    assert len(hashes) == 6
    assert request_hash({"b": 1, "a": 2}, image) == request_hash({"a": 2, "b": 1}, image.copy())


def test_a_request_waits_for_others_under_way_before_the_cap_is_said_to_be_reached(
    tmp_path: Path,
) -> None:
    under_way, was_sent, may_end = (threading.Event() for _ in range(3))

    class RecordingCache(ReplyCache):
        def spent_usd(self) -> float:
            if under_way.is_set():
                was_sent.set()
            return super().spent_usd()

    cache = RecordingCache(tmp_path)
    budget = Budget(cache, cap_usd=1.0, section="captions")
    order: list[str] = []

    def first() -> None:
        with budget.reserve(0.8):
            under_way.set()
            may_end.wait()
            cache.store("a", paid_reply(cost_usd=0.1))
            order.append("first")

    def second() -> None:
        with budget.reserve(0.8):
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    under_way.wait()
    threads[1].start()
    was_sent.wait()
    # It waits now, for ever if need be: one that does not would be through by then.
    threads[1].join(0.2)
    assert order == []
    may_end.set()
    for thread in threads:
        thread.join()

    assert order == ["first", "second"]
    with pytest.raises(UserError, match=r"\$0\.1000 are spent"), budget.reserve(0.95):
        pass


def test_few_at_once_keeps_order_draws_lazily_and_waits_for_those_under_way() -> None:
    drawn: list[int] = []
    finished: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            drawn.append(number)
            yield number

    def work(number: int) -> int:
        time.sleep(0.002 * (5 - number % 5))
        if number == 30:
            raise UserError("thirty")
        finished.append(number)
        return number * number

    results = []
    with pytest.raises(UserError, match="thirty"):
        results.extend(map_concurrently(work, items(), workers=3))

    assert results == [(number, number * number) for number in range(30)]
    assert len(drawn) <= 30 + 4 * 3 + 1
    assert set(range(30)) <= set(finished)


def test_a_prompt_is_named_after_its_text_and_a_bad_file_after_its_key(tmp_path: Path) -> None:
    path = tmp_path / "p.txt"
    with pytest.raises(UserError, match=r"p\.txt: no such prompt file \(a\.prompt\)"):
        Prompt.read(path, kind="room", key="a.prompt")
    path.write_bytes(b"caf\xe9")
    with pytest.raises(UserError, match=r"p\.txt: .*save it as UTF-8 \(a\.prompt\)"):
        Prompt.read(path, kind="room", key="a.prompt")
    path.write_text("One.")
    one = Prompt.read(path, kind="room", key="a.prompt")
    for encoding in ("utf-8-sig", "utf-16"):
        path.write_text("One.", encoding=encoding)
        assert Prompt.read(path, kind="room", key="a.prompt") == one
    path.write_text("One.")
    path.write_text("Two.")
    other = Prompt.read(path, kind="room", key="a.prompt")
    assert one.template == "One."
    assert one.name.partition("@")[0] == other.name.partition("@")[0] == "room"
    assert one.name != other.name


def test_failures_stop_as_soon_as_the_share_is_out_of_reach() -> None:
    failures = FailureLimit(0.2, section="captions", what="captions", total=40)
    for number in range(8):
        failures.add(f"room {number}", "failed: HTTP 500")
    with pytest.raises(UserError) as stopped:
        failures.add("room 8", "refused: no")
    message = str(stopped.value)
    assert "9 of 40 captions failed" in message
    assert "captions.max_failed_fraction (0.2)" in message
    assert "room 0: failed: HTTP 500" in message
    assert "and 4 more" in message
    assert "room 8" not in message


def test_images_shrink_but_never_grow() -> None:
    rgb = np.zeros((300, 600, 3), dtype=np.uint8)

    assert resized_size(600, 300, max_px=200) == (200, 100)
    assert resized_size(60, 30, max_px=200) == (60, 30)
    assert resized_size(4000, 1, max_px=200) == (200, 1)
    assert encode_jpeg(rgb, max_px=200)[:2] == b"\xff\xd8"
