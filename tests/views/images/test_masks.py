"""Masks that users have: both forms, any resolution, and a hundred ways to be wrong."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from testing.photos import picture, read_row, write_json
from workflow_scripts.common import coco_rle
from workflow_scripts.common.errors import UserError
from workflow_scripts.views.images.backends.masks import UserMasks
from workflow_scripts.views.images.letterbox import Letterbox
from workflow_scripts.views.images.proposals import PhotoView, Proposal, ProposerOptions

BOX = Letterbox.fit(width_px=96, height_px=64, frame_width_px=64, frame_height_px=64)


def proposals(folder) -> list[Proposal]:
    """Return the proposals of a photo of 96 x 64, shown in 64 x 43 pixels of a frame."""
    options = ProposerOptions(
        model="", phrases=(), min_confidence=0.3, masks=str(folder), device="cpu"
    )
    content = BOX.rgb(picture(96, 64))[BOX.y0 : BOX.y1, BOX.x0 : BOX.x1]
    (proposal,) = UserMasks(options).propose([PhotoView(content, read_row(0, BOX))])
    return proposal


def ids(dtype: type = np.uint8, *, scale: int = 1) -> np.ndarray:
    """Return [64, 96] (times scale) with instance 1 in the left half and 7 in the top right."""
    values = np.zeros((64 * scale, 96 * scale), dtype)
    values[:, : 48 * scale] = 1
    values[: 32 * scale, 48 * scale :] = 7
    return values


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("scale", [1, 2])
def test_ids_with_labels(tmp_path, dtype, scale):
    Image.fromarray(ids(dtype, scale=scale)).save(tmp_path / "0.png")
    write_json(tmp_path / "0.json", {"1": "box", "7": "chair"})
    proposal, seven = proposals(tmp_path)
    assert (proposal.label, seven.label) == ("box", "chair")
    assert proposal.mask.shape == (BOX.y1 - BOX.y0, BOX.x1 - BOX.x0)
    assert proposal.mask[:, :32].all()
    assert not proposal.mask[:, 32:].any()
    assert not (proposal.mask & seven.mask).any()
    assert proposal.box == (0, 0, 32, 43)
    assert proposal.confidence == 1.0


@pytest.mark.parametrize("name", ["0_mask", "0_MASKS", "0-mask", "0_seg"])
def test_names_that_say_what_the_file_is(tmp_path, name):
    Image.fromarray(ids()).save(tmp_path / f"{name}.png")
    write_json(tmp_path / f"{name}.json", {"1": "box", "7": "chair"})
    assert [proposal.label for proposal in proposals(tmp_path)] == ["box", "chair"]


def test_palettes_hold_ids_and_labels_may_be_missing(tmp_path):
    image = Image.fromarray(ids()).convert("P")
    image.putdata(ids().ravel().tolist())
    image.save(tmp_path / "0.png")
    assert [proposal.label for proposal in proposals(tmp_path)] == ["object", "object"]


@pytest.mark.parametrize(
    ("one", "seven", "expected"),
    [
        ({"class": "box"}, {"class": "chair"}, ["box", "chair"]),
        ({"label": {"name": "box"}}, {"color": [1, 2, 3]}, ["box", "object"]),
        (None, "chair", ["object", "chair"]),
        (3, [], ["3", "[]"]),
    ],
)
def test_labels_that_are_dictionaries_or_null(tmp_path, one, seven, expected):
    Image.fromarray(ids()).save(tmp_path / "0.png")
    write_json(tmp_path / "0.json", {"1": one, "7": seven})
    assert [proposal.label for proposal in proposals(tmp_path)] == expected


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_labels_of_every_unicode_encoding(tmp_path, encoding):
    Image.fromarray(ids()).save(tmp_path / "0.png")
    (tmp_path / "0.json").write_text('{"1": "K\u00fcche", "7": "椅子"}', encoding=encoding)
    assert [proposal.label for proposal in proposals(tmp_path)] == ["K\u00fcche", "椅子"]


def test_coco_lists_need_names_for_their_ids(tmp_path):
    entry = {**GOOD, "category_id": 1}
    del entry["label"]
    write_json(tmp_path / "0.json", [entry, GOOD])
    nameless, named = proposals(tmp_path)
    assert "category_id 1 has no name" in nameless.reason
    assert (named.label, named.reason) == ("box", "")
    categories = [{"id": 1, "name": "shelf"}, {"id": 2}, 7]
    write_json(tmp_path / "0.json", {"annotations": [entry], "categories": categories})
    (proposal,) = proposals(tmp_path)
    assert (proposal.label, proposal.reason) == ("shelf", "")


@pytest.mark.parametrize(
    "labels",
    [
        {"001": "box", "07": "chair"},
        {"labels": [None, "box", *[""] * 5, "chair"]},
        ["background", "box", None, None, None, None, None, "chair"],
        [{"id": 1, "label": "box"}, {"id": 7, "class": "chair"}, {"label": "none"}],
        {
            "segments_info": [{"id": 1, "category_id": 3}, {"id": 7, "category_id": 4}],
            "categories": [{"id": 3, "name": "box"}, {"id": 4, "name": "chair"}],
        },
    ],
)
def test_labels_by_id_in_any_form(tmp_path, labels):
    Image.fromarray(ids()).save(tmp_path / "0.png")
    write_json(tmp_path / "0.json", labels)
    kept = [proposal.label for proposal in proposals(tmp_path) if not proposal.reason]
    assert kept == ["box", "chair"]


def test_a_label_of_a_number_of_any_length_costs_nothing_else(tmp_path):
    Image.fromarray(ids()).save(tmp_path / "0.png")
    write_json(tmp_path / "0.json", {"1": "box", "7": "chair", "9" * 5000: "lamp"})
    assert [proposal.label for proposal in proposals(tmp_path)] == ["box", "chair"]


def test_labels_under_a_key(tmp_path):
    Image.fromarray(ids()).save(tmp_path / "0.png")
    write_json(tmp_path / "0.json", {"labels": {"1": "box", "7": "chair"}})
    assert [proposal.label for proposal in proposals(tmp_path)] == ["box", "chair"]


def test_segmentations_in_a_list_or_under_objects(tmp_path):
    square = [[24, 16, 48, 16, 48, 32, 24, 32]]
    runs = {"size": [64, 96], "counts": coco_rle.encode(ids() == 7)}
    content = [
        {"label": "box", "segmentation": square, "score": 0.6},
        {"label": "chair", "segmentation": runs},
    ]
    for written in (content, {"objects": content}):
        write_json(tmp_path / "0.json", written)
        box, chair = proposals(tmp_path)
        assert (box.label, box.confidence) == ("box", 0.6)
        assert (chair.label, chair.confidence) == ("chair", 1.0)
        assert box.box == pytest.approx((16, 11, 32, 21), abs=1.01)
        assert chair.mask[:20, 33:].all()


def test_no_masks_are_a_reason(tmp_path):
    (proposal,) = proposals(tmp_path)
    assert proposal.reason.startswith("no masks")


def test_a_label_without_a_pixel_is_not_lost(tmp_path):
    Image.fromarray(ids()).save(tmp_path / "0.png")
    write_json(tmp_path / "0.json", {"1": "box", "7": "chair", "9": "ghost"})
    reasons = {proposal.label: proposal.reason for proposal in proposals(tmp_path)}
    assert reasons["ghost"].startswith("no pixel")
    assert not reasons["box"]


def test_one_pixel_of_a_large_mask_may_vanish_but_not_silently(tmp_path):
    values = np.zeros((64, 96), np.uint8)
    values[np.arange(0, 64, 3), np.arange(0, 64, 3)] = np.arange(22) + 1
    Image.fromarray(values).save(tmp_path / "0.png")
    listed = proposals(tmp_path)
    assert len(listed) == 22
    for proposal in listed:
        assert bool(proposal.reason) != (proposal.mask is not None and proposal.mask.any())


GOOD = {"label": "box", "segmentation": [[24, 16, 48, 16, 48, 32, 24, 32]]}


@pytest.mark.parametrize(
    "entry",
    [
        None,
        7,
        "text",
        [],
        {},
        {"label": "box"},
        {"label": "box", "segmentation": None},
        {"label": "box", "segmentation": []},
        {"label": "box", "segmentation": [[1, 2]]},
        {"label": "box", "segmentation": {"size": [64, 96], "counts": "~"}},
        {"label": "box", "segmentation": {"size": [64, 96], "counts": [1]}},
        {"label": "box", "segmentation": {"size": [10, 90], "counts": [900]}},
        {"label": "box", "segmentation": {"size": [64, 96], "counts": [64 * 96]}},
        {"label": "box", "segmentation": {"size": [0, 0], "counts": []}},
        {"label": "box", "segmentation": [[-50, -50, -40, -50, -40, -40]]},
        {"label": "box", "segmentation": [[1e30, 0, 1e30, 5, 0, 5]]},
        {"label": "box", "segmentation": [[0, 0, 1e9, 5, 0, 5]]},
        {"label": "box", "segmentation": {"size": [10**6, 10**6], "counts": [10**12]}},
        {"label": "box", "segmentation": {"size": [10**5, 10**5], "counts": [0, 10**10]}},
        {"label": "box", "segmentation": {"size": [-64, -96], "counts": [64 * 96]}},
        {"label": "box", "segmentation": {"size": [64, 96], "counts": "o" * 100_000}},
        {"segmentation": [[24, 16, 48, 16, 48, 32, 24, 32]], "category_id": 3},
        {"segmentation": None, "category_id": [3]},
    ],
)
def test_a_wrong_entry_is_a_reason_and_the_others_stay_in_step(tmp_path, entry):
    write_json(tmp_path / "0.json", [GOOD, entry, {**GOOD, "label": "chair"}])
    first, wrong, last = proposals(tmp_path)
    assert wrong.reason
    assert (first.label, first.reason) == ("box", "")
    assert (last.label, last.reason) == ("chair", "")
    np.testing.assert_array_equal(first.mask, last.mask)


@pytest.mark.parametrize("score", ["high", None, [1], float("nan")])
def test_a_score_that_is_no_number_is_no_confidence(tmp_path, score):
    write_json(tmp_path / "0.json", [{**GOOD, "score": score}])
    (proposal,) = proposals(tmp_path)
    assert np.isnan(proposal.confidence)


@pytest.mark.parametrize("label", [None, 7, {"a": 1}, "", "椅子", "x" * 5000, "a\nb\x00"])
def test_any_label_is_text(tmp_path, label):
    write_json(tmp_path / "0.json", [{**GOOD, "label": label}])
    (proposal,) = proposals(tmp_path)
    assert isinstance(proposal.label, str)


@pytest.mark.parametrize(
    "content", ["", "{", "null", "7", '"text"', "{}", '{"objects": 3}', "[" * 9000, "\ufffe"]
)
def test_broken_lists(tmp_path, content):
    (tmp_path / "0.json").write_text(content, encoding="utf-8")
    (proposal,) = proposals(tmp_path)
    assert proposal.reason.startswith("masks: 0.json")


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (96, 64)),
        Image.new("RGBA", (96, 64)),
        Image.new("L", (64, 96)),
        Image.new("L", (96, 96), 1),
    ],
    ids=lambda image: f"{image.mode}-{image.size}",
)
def test_images_that_are_no_masks_of_the_photo(tmp_path, image):
    image.save(tmp_path / "0.png")
    (proposal,) = proposals(tmp_path)
    assert proposal.reason.startswith("masks: 0.png")


@pytest.mark.parametrize("content", [b"", b"\x89PNG", b"\xff\xd8\xff"])
def test_broken_images(tmp_path, content):
    (tmp_path / "0.png").write_bytes(content)
    (proposal,) = proposals(tmp_path)
    assert "is broken" in proposal.reason


@pytest.mark.parametrize("labels", [[], 3, "x", {"1": None}, {"labels": [1]}, {"labels": None}])
def test_labels_of_another_form(tmp_path, labels):
    Image.fromarray(ids()).save(tmp_path / "0.png")
    (tmp_path / "0.json").write_text(json.dumps(labels))
    assert all(isinstance(proposal.label, str) for proposal in proposals(tmp_path))


def test_an_empty_mask_has_no_objects(tmp_path):
    Image.new("L", (96, 64)).save(tmp_path / "0.png")
    assert proposals(tmp_path) == []


def test_too_many_ids_are_no_ids(tmp_path):
    values = np.arange(64 * 96, dtype=np.uint16).reshape(64, 96)
    Image.fromarray(values).save(tmp_path / "0.png")
    (proposal,) = proposals(tmp_path)
    assert "6143 ids, more than 4096" in proposal.reason


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"sources\.images\.masks: .*is not a folder"):
        proposals(tmp_path / "none")
    with pytest.raises(UserError, match=r"sources\.images\.masks is null"):
        proposals("")


CASES = Path(__file__).parents[3] / "../shared/data/cases/masks"


@pytest.mark.skipif(not CASES.is_dir(), reason="needs the cases of ../shared/data")
@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("nulls.json", ["object", "chair", "object"]),
        ("replicator.json", ["box", "chair", "lamp"]),
        ("coco_list.json", [""]),
    ],
)
def test_the_shared_labels_are_read(tmp_path, name, labels):
    if name != "coco_list.json":
        values = np.repeat(np.array([1, 2, 3], np.uint8), 32)[None].repeat(64, axis=0)
        Image.fromarray(values).save(tmp_path / "0.png")
    shutil.copy(CASES / name, tmp_path / "0.json")
    found = proposals(tmp_path)
    assert [proposal.label for proposal in found] == labels
    assert all(bool(proposal.reason) != bool(proposal.label) for proposal in found)
