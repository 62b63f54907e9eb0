"""The networks that find objects, tiny and untrained: shapes, units, batches, labels in step."""

from pathlib import Path

import numpy as np
import pytest
import torch

from testing.photos import picture, read_row
from tests.views.images import tiny_models
from workflow_scripts.common.errors import UserError
from workflow_scripts.views.images.backends import florence2
from workflow_scripts.views.images.backends.florence2 import Florence2, parse
from workflow_scripts.views.images.backends.grounding_dino import (
    GroundingDino,
    PhrasePrompt,
    batch_phrases,
)
from workflow_scripts.views.images.letterbox import Letterbox
from workflow_scripts.views.images.proposals import PhotoView, ProposerOptions
from workflow_scripts.views.images.sam2 import Sam2


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Folders of one tiny model of each kind."""
    top: Path = tmp_path_factory.mktemp("networks")
    return {
        name: str(getattr(tiny_models, f"save_{name}")(top / name))
        for name in ("sam2", "grounding_dino", "florence2")
    }


def view(width: int = 80, height: int = 60, seed: int = 0) -> PhotoView:
    box = Letterbox.fit(
        width_px=width, height_px=height, frame_width_px=width, frame_height_px=height
    )
    return PhotoView(picture(width, height, seed=seed), read_row(seed, box))


def options(model: str, *phrases: str) -> ProposerOptions:
    return ProposerOptions(model=model, phrases=phrases, min_confidence=0.3, masks="", device="cpu")


BOXES = np.array([[0, 0, 40, 30], [5, 5, 70, 50], [20.5, 10.2, 60.1, 59.9]])


def test_masks_are_of_the_pictures_size_in_the_order_of_the_boxes(folders):
    segmenter = Sam2(folders["sam2"], device="cpu")
    masks, scores = segmenter.segment(view().rgb, BOXES)
    assert masks.shape == (3, 60, 80)
    assert masks.dtype == bool
    assert ((scores >= 0) & (scores <= 1)).all()
    turned, _ = segmenter.segment(view().rgb, BOXES[::-1])
    np.testing.assert_array_equal(turned, masks[::-1])


def test_many_boxes_share_one_encoding_of_the_picture(folders, monkeypatch):
    segmenter = Sam2(folders["sam2"], device="cpu")
    few, _ = segmenter.segment(view().rgb, BOXES)
    encode, calls = segmenter._model.get_image_embeddings, []

    def counted(pixels: torch.Tensor) -> object:
        calls.append(pixels.shape)
        return encode(pixels)

    monkeypatch.setattr(segmenter._model, "get_image_embeddings", counted)
    masks, scores = segmenter.segment(view().rgb, np.tile(BOXES, (30, 1)))
    assert calls == [(1, 3, 128, 128)]
    assert masks.shape == (90, 60, 80)
    for start in range(0, 90, 3):
        assert np.mean(masks[start : start + 3] != few) < 1e-3
    assert len(scores) == 90


def test_boxes_are_in_pixels_of_the_picture(folders):
    """The network sees a square: the same place of a picture twice as large is the same prompt."""
    segmenter = Sam2(folders["sam2"], device="cpu")
    seen = []
    forward = segmenter._model.forward

    def noted(**inputs: object) -> object:
        seen.append(inputs["input_boxes"])
        return forward(**inputs)

    segmenter._model.forward = noted
    segmenter.segment(view(80, 60).rgb, BOXES)
    segmenter.segment(view(160, 120).rgb, 2 * BOXES)
    np.testing.assert_allclose(seen[0], seen[1], rtol=1e-6)
    np.testing.assert_allclose(seen[0][0, 0], [0, 0, 64, 64])


def test_no_box_no_mask(folders):
    masks, scores = Sam2(folders["sam2"], device="cpu").segment(view().rgb, np.zeros((0, 4)))
    assert masks.shape == (0, 60, 80)
    assert len(scores) == 0


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3)])
def test_pictures_of_odd_sizes(folders, size):
    masks, _ = Sam2(folders["sam2"], device="cpu").segment(
        np.zeros((size[1], size[0], 3), np.uint8), np.array([[0.0, 0, *size]])
    )
    assert masks.shape == (1, size[1], size[0])


def test_grounding_dino_names_boxes_by_the_users_phrases(folders):
    proposer = GroundingDino(options(folders["grounding_dino"], "Red box", "chair.", "person"))
    (detected,) = proposer.propose([view()])
    assert detected
    for proposal in detected:
        assert proposal.label in ("red box", "chair", "person")
        assert 0.05 <= proposal.confidence <= 1
        x0, y0, x1, y1 = proposal.box
        assert x0 <= x1
        assert y0 <= y1
        assert -80 <= x0 <= 160
        assert -60 <= y0 <= 120


def test_grounding_dino_sees_photos_alike_alone_and_in_a_batch(folders):
    proposer = GroundingDino(options(folders["grounding_dino"], "box", "chair"))
    photos = [view(80, 60, 1), view(60, 80, 2), view(80, 60, 3)]
    together = proposer.propose(photos)
    for photo, detected in zip(photos, together, strict=True):
        (alone,) = proposer.propose([photo])
        assert [proposal.label for proposal in alone] == [proposal.label for proposal in detected]
        np.testing.assert_allclose(
            [proposal.box for proposal in alone], [proposal.box for proposal in detected], atol=1e-3
        )


def test_phrases_know_their_tokens():
    tokenizer = tiny_models.tokenizer(start="[CLS]", end="[SEP]")
    text = PhrasePrompt(["red box", "chair"], tokenizer)
    assert text.prompt_text == "red box. chair."
    # [CLS] red box . chair . [SEP]
    wanted = [[0, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0]]
    np.testing.assert_array_equal(text.phrase_of_token, np.array(wanted, bool))


def test_many_phrases_are_asked_in_several_texts():
    tokenizer = tiny_models.tokenizer(start="[CLS]", end="[SEP]")
    phrases = [f"{colour} box" for colour in ("red", "a", "photo", "of", "table")]
    texts = list(batch_phrases(phrases, tokenizer, max_tokens=9))
    assert [text.phrases for text in texts] == [phrases[:2], phrases[2:4], phrases[4:]]
    assert all(text.phrase_of_token.shape[1] <= 9 for text in texts)


@pytest.mark.parametrize("phrase", ["", " . ", "box " * 40])
def test_phrases_that_cannot_be_asked(phrase):
    with pytest.raises(UserError, match=r"sources\.images\.localise\.phrases"):
        list(
            batch_phrases(
                [phrase], tiny_models.tokenizer(start="[CLS]", end="[SEP]"), max_tokens=20
            )
        )


def test_grounding_dino_needs_phrases(folders):
    with pytest.raises(UserError, match="needs phrases to detect"):
        GroundingDino(options(folders["grounding_dino"]))


def test_florence2_generates_boxes_within_the_picture(folders, monkeypatch):
    """An untrained network says anything; it is only let to say places and a word."""
    proposer = Florence2(options(folders["florence2"]))
    tokenizer = proposer._processor.tokenizer
    places = set(tokenizer.convert_tokens_to_ids([f"<loc_{place}>" for place in range(1000)]))
    allowed = places | {tokenizer.convert_tokens_to_ids("box")}
    config = proposer._model.generation_config
    config.suppress_tokens = sorted(set(range(len(tokenizer))) - allowed)
    config.forced_eos_token_id = None
    monkeypatch.setattr(florence2, "MAX_NEW_TOKENS", 22)

    detected = proposer.propose([view(80, 60), view(60, 80, 1)])

    assert len(detected) == 2
    for proposals, (width, height) in zip(detected, [(80, 60), (60, 80)], strict=True):
        assert proposals
        for proposal in proposals:
            assert 0 <= proposal.confidence <= 1
            if not proposal.reason:
                assert all(0 < side < width for side in proposal.box[::2])
                assert all(0 < side < height for side in proposal.box[1::2])


@pytest.mark.parametrize("phrases", [(), ("red box", "chair.")])
def test_florence2_task_follows_the_phrases(folders, phrases):
    proposer = Florence2(options(folders["florence2"], *phrases))
    wanted = "<CAPTION_TO_PHRASE_GROUNDING>red box. chair" if phrases else "<OD>"
    assert proposer._task == wanted


def parsed(text: str, *, sure: float = 0.5) -> list:
    tokenizer = tiny_models.florence_tokenizer()
    tokens = tokenizer(text.replace("<", " <").replace(">", "> ")).input_ids
    return list(parse(tokens, [sure] * len(tokens), tokenizer, (100, 200)))


def test_places_are_the_middles_of_bins():
    (box,) = parsed("red box<loc_0><loc_100><loc_499><loc_999>")
    assert box.label == "red box"
    assert box.box == pytest.approx((0.1, 10.05, 99.9, 99.95))
    assert box.confidence == pytest.approx(0.5)


def test_labels_and_boxes_stay_in_step():
    place = "<loc_1><loc_2><loc_3><loc_4>"
    detected = parsed(f"box{place}{place}chair{place}table{place}<loc_5>person")
    assert [(proposal.label, bool(proposal.reason)) for proposal in detected] == [
        ("box", False),
        ("box", False),
        ("chair", False),
        ("table", False),
        ("table", True),
        ("person", True),
    ]


@pytest.mark.parametrize("text", ["", "<pad><pad>", "</s>"])
def test_an_empty_answer_has_no_object(text):
    assert parsed(text) == []


def test_confidence_is_the_geometric_mean_of_a_boxs_own_tokens():
    tokenizer = tiny_models.florence_tokenizer()
    names = ["box", *("<loc_1>",) * 4, "chair", *("<loc_2>",) * 4]
    tokens = tokenizer.convert_tokens_to_ids(names)
    sure = [1.0, 1.0, 1.0, 1.0, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1]
    box, chair = parse(tokens, sure, tokenizer, (10, 10))
    assert box.confidence == pytest.approx(0.5 ** (1 / 5))
    assert chair.confidence == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda model: Sam2(model, device="cpu"), "mask_model"),
        (lambda model: GroundingDino(options(model, "box")), "model"),
        (lambda model: Florence2(options(model)), "model"),
    ],
)
def test_models_that_are_none_or_of_another_kind_are_named(tmp_path, make, key):
    with pytest.raises(UserError, match=rf"localise\.{key} .* cannot be loaded.*Set sources"):
        make(str(tmp_path))
    other = tiny_models.save_clip(tmp_path / "clip")
    with pytest.raises(UserError, match=rf"localise\.{key} .* is of type 'clip'; allowed: "):
        make(str(other))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_half_precision_on_a_gpu_agrees_with_the_cpu(folders):
    masks = [
        Sam2(folders["sam2"], device=device).segment(view().rgb, BOXES)[0]
        for device in ("cuda", "cpu")
    ]
    assert np.mean(masks[0] != masks[1]) < 0.02
