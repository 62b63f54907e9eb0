"""Examples of docs/video.md are texts that the code writes."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.vqa.scans.rooms_by_hand import item
from workflow_scripts.vqa.scans.descriptions import Description
from workflow_scripts.vqa.scans.relations import Clause

DOCS = Path(__file__).parents[3] / "docs" / "video.md"


def clause(kind: str, anchor: str = "", word: str = "") -> Clause:
    return Clause(kind, word, item(9, anchor, (0, 0)) if anchor else None, {})


BROWN = clause("colour", word="brown")
WRITTEN = {
    "unique": Description("dresser", (BROWN, clause("next_to", "Bed"))),
    "multiple": Description(
        "book", (clause("colour", word="yellow"), clause("next_to", "TeddyBear"))
    ),
    "nearest": Description("side table", (clause("nearest", "Window"),)),
    "st_wo_d": Description("box", (BROWN, clause("next_to", "Door"))),
    "zt_wo_d": Description("kettle", (clause("next_to", "Newspaper"),)),
    "zt_w_d": Description("mug", (clause("on", "Bed"),)),
    "mt": Description("side table", (clause("next_to", "Bed"),), many=True),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_descriptions_are_written_as_documented(name: str) -> None:
    row = re.search(rf"^\| `{name}`.*\|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert row is not None
    example = re.findall(r'"([^"]+)"', row[0])[-1]
    rng = np.random.default_rng(0)
    assert example in {WRITTEN[name].write(rng) for _ in range(200)}


def test_every_command_of_the_docs_is_there() -> None:
    text = DOCS.read_text(encoding="utf-8")
    root = DOCS.parents[1]
    modules = re.findall(r"python -m\s+([\w.]+)", text)
    assert len(modules) > 5
    for module in modules:
        assert root.joinpath(*module.split(".")).with_suffix(".py").is_file(), module
    for path in re.findall(r"`((?:workflow_scripts|tests|studies|docs)/[\w/.-]+)`", text):
        assert (root / path.rstrip("/")).exists(), path
