"""Prices, the budget, overrides, prompts, the estimate and the gallery, each alone."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from workflow_scripts.captions.cache import Budget, Cache, PaidReply, request_hash
from workflow_scripts.captions.estimate import estimate, requests_of_houses
from workflow_scripts.captions.gallery import MAX_CELLS, Gallery, _font, wrapped
from workflow_scripts.captions.images import fitted_size, jpeg
from workflow_scripts.captions.options import PROMPTS
from workflow_scripts.captions.overrides import Overrides
from workflow_scripts.captions.prices import KNOWN, price_of
from workflow_scripts.captions.prompts import Prompt
from workflow_scripts.captions.requests import AssetFacts, Request
from workflow_scripts.captions.writing import few_at_once
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Caption

UNPRICED = {"input_usd_per_million": None, "output_usd_per_million": None}


def paid(attempt: int = 0, *, cost_usd: float = 0.25) -> PaidReply:
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
    assert KNOWN["gpt-4o"].image_tokens(336, 336) == 255
    assert KNOWN["gpt-4o"].image_tokens(1024, 1024) == 765
    assert KNOWN["gpt-4o"].image_tokens(2048, 4096) == 1105
    assert KNOWN["gpt-4o-mini"].image_tokens(512, 512) == 8500
    # 16 x 16 patches of 32 px, each counted 1.62 times.
    assert KNOWN["gpt-4.1-mini"].image_tokens(512, 512) == 415
    assert KNOWN["gpt-4o"].usd(input_tokens=1_000_000, output_tokens=100_000) == pytest.approx(3.5)


def test_prices_come_from_the_user_then_the_table_then_not_at_all() -> None:
    mine = price_of("mine", input_usd_per_million=1.0, output_usd_per_million=2.0, max_cost_usd=5.0)
    free = price_of("mine", **UNPRICED, max_cost_usd=None)

    assert mine.usd(input_tokens=1_000_000, output_tokens=1_000_000) == 3.0
    assert free.usd(input_tokens=10**9, output_tokens=10**9) == 0.0
    assert price_of("gpt-4o-2024-08-06", **UNPRICED, max_cost_usd=5.0) == KNOWN["gpt-4o"]
    with pytest.raises(UserError, match=r"'mine' has no price.*max_cost_usd to null"):
        price_of("mine", **UNPRICED, max_cost_usd=5.0)
    with pytest.raises(UserError, match="go together"):
        price_of("x", input_usd_per_million=1.0, output_usd_per_million=None, max_cost_usd=5.0)


def test_the_estimate_is_a_function_of_counts() -> None:
    counts = requests_of_houses(40, ("room", "top_down", "asset"))
    whole = estimate(counts, model="gpt-4o", max_image_px=512)
    rooms = estimate({"room": 2}, model="gpt-4o", max_image_px=512)
    four = estimate({"room": 4}, model="gpt-4o", max_image_px=512)

    assert counts == {"room": 120, "top_down": 120, "asset": 1600}
    assert whole.num_requests == 1840
    assert four.usd == pytest.approx(2 * rooms.usd)
    assert rooms.input_tokens > 2 * 255
    assert 0.5 < whole.usd < 10
    assert "1,840 requests" in str(whole)
    assert requests_of_houses(10_000, ("asset",)) == {"asset": 1653}


def test_a_paid_reply_is_kept_whole_and_counted_over_caches(tmp_path: Path) -> None:
    cache, other = Cache(tmp_path), Cache(tmp_path)
    cache.put("a", paid())
    assert other.spent_usd() == 0.25
    other.put("a", paid(1))
    (tmp_path / ".left-over.partial").write_text("cut")

    assert cache.get("a", 0) == paid()
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
    cache = Cache(tmp_path)
    budget = Budget(cache, cap_usd=1.0)
    order: list[str] = []

    def first() -> None:
        with budget.reserved(0.8):
            time.sleep(0.2)
            cache.put("a", paid(cost_usd=0.1))
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    time.sleep(0.05)
    with budget.reserved(0.8):
        order.append("second")
    thread.join()

    assert order == ["first", "second"]
    with pytest.raises(UserError, match=r"\$0\.1000 are spent"), budget.reserved(0.95):
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
        results.extend(few_at_once(work, items(), workers=3))

    assert results == [(number, number * number) for number in range(30)]
    assert len(drawn) <= 30 + 4 * 3 + 1
    assert set(range(30)) <= set(finished)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "Invalid JSON"),
        ('{"asset_id": "a"}', "text: Field required"),
        ('{"asset_id": "a", "text": ""}', "at least 1 character"),
        ('{"asset_id": "a", "text": "x", "txet": "y"}', "txet"),
        ('{"text": "x"}', "either asset_id, or scene_id"),
        ('{"asset_id": "a", "scene_id": "h", "text": "x"}', "either asset_id, or scene_id"),
        ('{"scene_id": "h", "kind": "room", "text": "x"}', "needs room_id"),
        ('{"scene_id": "h", "room_id": "r", "text": "x"}', "kind 'room' or 'top_down'"),
        ('{"asset_id": "a", "kind": "room", "text": "x"}', "does not go with asset_id"),
    ],
)
def test_a_wrong_override_is_named_by_line(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"asset_id": "good", "text": "fine"}\n\n' + line)

    with pytest.raises(UserError, match="line 3") as caught:
        Overrides(path)
    assert problem in str(caught.value)


def test_overrides_are_found_by_what_they_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    lines = [
        {"asset_id": "Sofa_1", "text": "any source"},
        {"asset_id": "Sofa_1", "source": "scans", "text": "scans alone"},
        {"scene_id": "h", "room_id": "r", "kind": "room", "text": "room"},
        {"asset_id": "Vase_1", "text": "unused"},
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines))
    overrides = Overrides(path)
    asset = Request("asset", "procthor", "", None, asset=AssetFacts("Sofa_1", "Sofa", (1, 1, 1)))
    room = Request("room", "procthor", "h", "train", room_id="r")

    assert overrides.find(asset) == "any source"
    assert overrides.find(replace(asset, source="scans")) == "scans alone"
    assert overrides.find(room) == "room"
    assert overrides.find(replace(room, kind="top_down")) is None
    assert overrides.unused_assets() == ["Vase_1"]
    path.write_text(path.read_text() + "\n" + json.dumps(lines[0]))
    with pytest.raises(UserError, match="line 5: a second override"):
        Overrides(path)


def test_prompt_files_are_known_by_name_and_hash(tmp_path: Path) -> None:
    asset = Request(
        "asset", "procthor", "", None, asset=AssetFacts("a", "ArmChair", (0.9, 0.84, 1.0))
    )
    shipped = Prompt.read(PROMPTS, "asset")
    path = tmp_path / "asset.txt"
    path.write_text("Name this {category} {{now}}.\n")
    mine = Prompt.read(tmp_path, "asset")

    assert shipped.name.startswith("asset@")
    assert len(shipped.name) == len("asset@") + 12
    assert "an armchair. Its size is about 0.9 m wide, 0.8 m deep and 1 m high." in shipped.fill(
        asset
    )
    assert mine.name != shipped.name
    assert mine.fill(asset) == "Name this armchair {now}."
    path.write_text("Name this {categry}.")
    with pytest.raises(UserError, match="did you mean 'category'"):
        Prompt.read(tmp_path, "asset")
    path.write_text("Name this {category.")
    with pytest.raises(UserError, match=r"asset\.txt: .*for braces"):
        Prompt.read(tmp_path, "asset")


def test_images_shrink_but_never_grow() -> None:
    rgb = np.zeros((300, 600, 3), dtype=np.uint8)

    assert fitted_size(600, 300, max_px=200) == (200, 100)
    assert fitted_size(60, 30, max_px=200) == (60, 30)
    assert fitted_size(4000, 1, max_px=200) == (200, 1)
    assert jpeg(rgb, max_px=200)[:2] == b"\xff\xd8"


def caption(number: int, *, status: str = "ok", text: str = "A room.") -> Caption:
    return Caption(
        source="procthor",
        kind="room",
        scene_id=f"house-{number}",
        room_id="room|2",
        status=status,
        text=text,
        reason="" if text else "I'm sorry",
        backend="scene",
        model="",
        prompt="",
    )


def test_the_gallery_holds_a_spread_of_captions_in_full(tmp_path: Path) -> None:
    gallery = Gallery(total=100)
    for number in range(100):
        text = "word " * 120 if number == 0 else "A room."
        gallery.add(np.full((60, 80, 3), 90, dtype=np.uint8), caption(number, text=text))
    gallery.add(None, caption(100, status="refused", text=""))
    gallery.save(tmp_path / "g.png")
    empty = Gallery(total=0)
    empty.save(tmp_path / "empty.png")

    assert len(gallery.cells) == MAX_CELLS
    assert gallery.cells[0].caption.scene_id == "house-0"
    assert gallery.cells[-1].caption.scene_id == "house-99"
    assert Image.open(tmp_path / "g.png").height > MAX_CELLS / 2 * 260
    assert Image.open(tmp_path / "empty.png").height > 0


def test_lines_are_broken_to_fit_and_no_word_is_lost() -> None:
    font: ImageFont.FreeTypeFont = _font(16, bold=False)
    text = "a sofa " * 30 + "x" * 200

    lines = wrapped(text, font, 200)
    assert all(font.getlength(line) <= 200 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
