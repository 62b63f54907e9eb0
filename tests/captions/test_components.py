"""Overrides, prompts, the estimate and the gallery, each alone."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from workflow_scripts.captions.backends import CaptionReply
from workflow_scripts.captions.captioning import write_captions
from workflow_scripts.captions.estimate_cost import estimate, estimate_requests
from workflow_scripts.captions.gallery import MAX_TILES, Gallery, _font, wrap_text
from workflow_scripts.captions.overrides import Overrides
from workflow_scripts.captions.prompts import fill_prompt, read_prompt
from workflow_scripts.captions.requests import AssetFacts, CaptionRequest
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Caption
from workflow_scripts.config.captions import ServerCaptionSettings
from workflow_scripts.models.chat.failure_limit import FailureLimit

PROMPTS = Path(__file__).parents[2] / "workflow_scripts/captions/prompts"


def test_the_estimate_is_a_function_of_counts() -> None:
    counts = estimate_requests(40, ("room", "top_down", "asset"))
    whole = estimate(counts, ServerCaptionSettings())
    rooms = estimate({"room": 2}, ServerCaptionSettings())
    four = estimate({"room": 4}, ServerCaptionSettings())

    assert counts == {"room": 120, "top_down": 120, "asset": 1600}
    assert whole.num_requests == 1840
    assert four.usd == pytest.approx(2 * rooms.usd)
    assert rooms.input_tokens > 2 * 255
    assert 0.5 < whole.usd < 10
    assert "1,840 requests" in str(whole)
    assert estimate_requests(10_000, ("asset",)) == {"asset": 1653}


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
    asset = CaptionRequest(
        "asset", "procthor", "", None, asset=AssetFacts("Sofa_1", "Sofa", (1, 1, 1))
    )
    room = CaptionRequest("room", "procthor", "h", "train", room_id="r")

    assert overrides.find(asset) == "any source"
    assert overrides.find(replace(asset, source="scans")) == "scans alone"
    assert overrides.find(room) == "room"
    assert overrides.find(replace(room, kind="top_down")) is None
    assert overrides.unused_assets() == ["Vase_1"]
    path.write_text(path.read_text() + "\n" + json.dumps(lines[0]))
    with pytest.raises(UserError, match="line 5: a second override"):
        Overrides(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_overrides_of_every_unicode_encoding_are_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "mine.jsonl"
    line = json.dumps({"asset_id": "Sofa_1", "text": "椅子\u2028"}, ensure_ascii=False)
    path.write_bytes(line.encode(encoding))
    assert Overrides(path).texts == {("asset", "", "Sofa_1"): "椅子\u2028"}
    path.write_bytes('{"asset_id": "Sofa_1", "text": "für"}'.encode("latin-1"))
    with pytest.raises(UserError, match=r"mine\.jsonl: line 1 is not UTF-8"):
        Overrides(path)


def test_prompt_files_are_known_by_name_and_hash(tmp_path: Path) -> None:
    asset = CaptionRequest(
        "asset", "procthor", "", None, asset=AssetFacts("a", "ArmChair", (0.9, 0.84, 1.0))
    )
    shipped = read_prompt(PROMPTS, "asset")
    path = tmp_path / "asset.txt"
    path.write_text("Name this {category} {{now}}.\n")
    mine = read_prompt(tmp_path, "asset")

    assert shipped.name.startswith("asset@")
    assert len(shipped.name) == len("asset@") + 12
    assert "an armchair. Its size is about 0.9 m wide, 0.8 m deep and 1 m high." in fill_prompt(
        shipped, asset
    )
    assert mine.name != shipped.name
    assert fill_prompt(mine, asset) == "Name this armchair {now}."
    path.write_text("Name this {categry}.")
    with pytest.raises(UserError, match="did you mean 'category'"):
        read_prompt(tmp_path, "asset")
    path.write_text("These are in view: {things}.")
    with pytest.raises(UserError, match=r"asset\.txt: .*\{things\} is now called \{objects\}"):
        read_prompt(tmp_path, "asset")
    path.write_text("Name this {category.")
    with pytest.raises(UserError, match=r"asset\.txt: .*for braces"):
        read_prompt(tmp_path, "asset")


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

    assert len(gallery.tiles) == MAX_TILES
    assert gallery.tiles[0].caption.scene_id == "house-0"
    assert gallery.tiles[-1].caption.scene_id == "house-99"
    assert Image.open(tmp_path / "g.png").height > MAX_TILES / 2 * 260
    assert Image.open(tmp_path / "empty.png").height > 0


def test_lines_are_broken_to_fit_and_no_word_is_lost() -> None:
    font: ImageFont.FreeTypeFont = _font(16, bold=False)
    text = "a sofa " * 30 + "x" * 200

    lines = wrap_text(text, font, 200)
    assert all(font.getlength(line) <= 200 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_request_that_breaks_the_backend_costs_only_itself() -> None:
    class Fragile:
        def caption(self, request: CaptionRequest) -> CaptionReply:
            if request.scene_id == "b":
                raise ValueError("no colour\nof this name")
            return CaptionReply("ok", f"a room of {request.scene_id}")

    requests = [
        CaptionRequest(
            kind="room", source="procthor", scene_id=name, split="train", problem=problem
        )
        for name, problem in (("a", ""), ("b", ""), ("c", "KeyError: 'Sofa'"), ("d", ""))
    ]
    captions = [
        caption
        for _, caption in write_captions(
            requests,
            Fragile(),  # type: ignore[arg-type]
            backend="scene",
            overrides=Overrides(None),
            workers=2,
            failures=FailureLimit(1.0, section="captions", what="captions", total=4),
        )
    ]
    assert [(row.status, row.text, row.reason) for row in captions] == [
        ("ok", "a room of a", ""),
        ("failed", "", "ValueError: no colour of this name"),
        ("failed", "", "KeyError: 'Sofa'"),
        ("ok", "a room of d", ""),
    ]
