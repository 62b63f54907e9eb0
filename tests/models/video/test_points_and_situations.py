"""`<coord>` has the features of the proposal there; situations are the origin of what is seen."""

import numpy as np
import pytest
import torch

from tests.models.video.scans import BOXES, make_model, room_frames
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.models.video.scan_placement import Placement, by_placement
from workflow_scripts.models.video.scan_rows import ScanQuestion


def special_vectors(point: tuple[float, float, float], *, blind: bool, **settings: object):
    """Return what stands in the place of `<coord>`, and the features of all proposals."""
    model, inputs = make_model("tiny", **settings)
    frames = None if blind else inputs.encode_frames(room_frames())
    scan = inputs.encode_scan(frames, BOXES)
    question = ScanQuestion("What is at <coord>?", "a wall", points_m=[point])
    (row,) = inputs.rows(scan, [inputs.encode_question(scan, question)])
    batch = inputs.collate([row])
    scene = model.encode_scene(batch)
    with model.replaced_embeddings(batch, scene) as tokens:
        found = model.base.get_input_embeddings()(tokens)
    coord = found[batch["input_ids"] == inputs.special_tokens.coord]
    return coord[0], scene.features


@pytest.mark.parametrize("tokens", ["objects", "frames"])
def test_frames_seen_from_two_places_are_encoded_once_for_objects(tokens: str) -> None:
    model, inputs = make_model("tiny", tokens=tokens)
    scan = inputs.encode_scan(inputs.encode_frames(room_frames()), BOXES)
    other = inputs.encode_scan(inputs.encode_frames(room_frames(1)), BOXES[1:])
    question = ScanQuestion("The wall on the left.", "<ground>", targets=[1])
    seen = [
        Placement(np.zeros(3)).scan(scan),
        other,
        Placement(np.array([2.0, 1.5, 1.0]), 90.0).scan(scan),
        inputs.encode_scan(None, BOXES),
    ]
    rows = [inputs.rows(one, [inputs.encode_question(one, question)])[0] for one in seen]
    batch = inputs.collate(rows)
    assert len(batch["pixel_values"]) == (3 if tokens == "objects" else 5)
    together = model.score_candidates(**batch)
    assert not torch.allclose(together[0], together[2])
    for row, scores in zip(rows, together, strict=True):
        (alone,) = model.score_candidates(**inputs.collate([row]))
        torch.testing.assert_close(scores, alone)


@pytest.mark.parametrize(
    ("point", "proposal"),
    [((4.0, 1.5, 1.25), 0), ((0.05, 1.5, 1.2), 2), ((2.0, 1.5, 9.0), None)],
)
@pytest.mark.parametrize("blind", [False, True])
def test_a_point_has_the_features_of_the_proposal_there(
    point: tuple[float, float, float], proposal: int | None, blind: bool
) -> None:
    plain, _ = special_vectors(point, blind=blind)
    vector, features = special_vectors(point, blind=blind, point_features=True)
    assert features.any() != blind
    expected = torch.zeros_like(plain) if proposal is None else features[proposal]
    torch.testing.assert_close(vector - plain, expected)


def sample(**changes: object) -> ScanSample:
    plain = {"sample_id": "q", "source": "scans", "scene_id": "s", "split": "test"}
    return ScanSample.model_validate(
        {**plain, "task": "question", "question_type": "which", "text": "Left or right?", **changes}
    )


def test_who_faces_something_sees_it_ahead_and_what_is_on_the_left_at_positive_y() -> None:
    # At (2, 1), looking along world y: world +x is on the right.
    one = sample(position_m=(2.0, 1.0, 1.5), facing_deg=90.0)
    placement = Placement.of_situation(one)
    seen = placement.points(np.array([[2.0, 4.0, 1.5], [3.0, 1.0, 0.5], [0.0, 1.0, 1.5]]))
    np.testing.assert_allclose(seen, [[3, 0, 0], [0, -1, -1], [0, 2, 0]], atol=1e-12)


def test_samples_share_a_scan_where_it_is_seen_from_one_place() -> None:
    here = {"position_m": (2.0, 1.0, 1.5), "facing_deg": 90.0}
    samples = [sample(), sample(**here), sample(), sample(**here | {"facing_deg": 0.0})]
    samples.append(sample(**here))
    usual = Placement(np.zeros(3), 30.0)
    groups = by_placement(samples, usual, "pose")
    assert [numbers for _, numbers in groups] == [[0, 2], [1, 4], [3]]
    assert groups[0][0] is usual
    ((placement, numbers),) = by_placement(samples, usual, "text")
    assert placement is usual
    assert numbers == [0, 1, 2, 3, 4]
    assert by_placement([], usual, "pose") == []
