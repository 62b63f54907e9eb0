"""The published encoding equals one computed by its formula, number by number; ours is smooth."""

import math

import pytest
import torch

from workflow_scripts.config.base import SettingsError
from workflow_scripts.config.video import PositionEncodingSettings
from workflow_scripts.models.video.position_encoding import (
    PositionEncoding,
    discretised,
    wavelength_frequencies,
)


def encoding(width: int, **settings: object) -> PositionEncoding:
    torch.manual_seed(0)
    return PositionEncoding(PositionEncodingSettings.parse(settings), width)


def reference(point: tuple[float, float, float], width: int) -> list[float]:
    """Write the published formula out."""
    channels = width // 3
    values = []
    for value, low, high in zip(point, (-15, -15, -5), (15, 15, 5), strict=True):
        step = round((min(max(value, low), high) - low) / 0.1)
        for i in range(channels):
            angle = step / 10000 ** (2 * (i // 2) / channels)
            values.append(math.sin(angle) if i % 2 == 0 else math.cos(angle))
    return values + [0.0] * (width - len(values))


def test_published_form_by_hand() -> None:
    points = [(0.0, 1.26, -0.31), (14.99, -20.0, 7.0), (3.333, -2.718, 1.618)]
    model = encoding(3584, kind="published", learned_scale=False)
    found = model(torch.tensor(points))
    assert found.shape == (3, 3584)
    assert found.dtype == torch.float32
    assert (found[:, 3582:] == 0).all()
    assert (found[:, 3581] != 0).all()
    for row, point in zip(found, points, strict=True):
        expected = torch.tensor(reference(point, 3584), dtype=torch.float64).float()
        torch.testing.assert_close(row, expected, atol=1e-6, rtol=0)


def test_published_steps() -> None:
    steps = discretised(torch.tensor([[-15.0, 15.0, 5.0], [-99.0, 99.0, 99.0], [0.04, 0.06, 0.0]]))
    assert steps.tolist() == [[0, 300, 100], [0, 300, 100], [150, 151, 50]]


def test_points_within_a_step_are_equal_in_the_published_form_alone() -> None:
    pair = torch.tensor([[1.01, 1.02, 1.03], [1.02, 1.01, 1.02]])
    published = encoding(64, kind="published")(pair)
    assert torch.equal(published[0], published[1])
    ours = encoding(64)(pair)
    assert not torch.equal(ours[0], ours[1])


def test_wavelengths_are_those_of_the_settings() -> None:
    frequencies = wavelength_frequencies(48, min_m=2.0, max_m=30.0)
    wavelengths = 2 * math.pi / frequencies
    assert len(frequencies) == 16
    assert wavelengths[0].item() == pytest.approx(2.0)
    assert wavelengths[-1].item() == pytest.approx(30.0)
    ratios = wavelengths[2::2] / wavelengths[:-2:2]
    torch.testing.assert_close(ratios, ratios[:1].expand_as(ratios))
    # A point and one that is the shortest wavelength away have the same first channels.
    values = encoding(48)(torch.tensor([[0.3, 0.0, 0.0], [2.3, 0.0, 0.0]])).detach()
    torch.testing.assert_close(values[0, :2], values[1, :2], atol=1e-5, rtol=0)
    assert (values[0, 2:16] - values[1, 2:16]).abs().max() > 0.1


@pytest.mark.parametrize("kind", ["sinusoidal", "published", "mlp", "none"])
def test_points_that_are_unknown_have_none(kind: str) -> None:
    points = torch.tensor([[torch.nan, 1.0, 1.0], [1.0, torch.inf, 1.0], [1.0, 2.0, 3.0]])
    found = encoding(32, kind=kind)(points)
    assert (found[:2] == 0).all()
    assert (found[2] != 0).any() == (kind != "none")
    assert encoding(32, kind=kind)(points[:0]).shape == (0, 32)


@pytest.mark.parametrize("kind", ["sinusoidal", "mlp"])
def test_a_model_in_bfloat16_rounds_no_coordinate(kind: str) -> None:
    """bfloat16 has steps of 3 cm at 5 m."""
    points = torch.tensor([[5.0, 5.0, 1.0], [5.01, 5.0, 1.0]])
    model = encoding(64, kind=kind).to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        found = model(points)
    assert found.dtype == torch.float32
    assert not torch.equal(found[0], found[1])
    if kind == "sinusoidal":
        torch.testing.assert_close(found, encoding(64, kind=kind)(points))


def test_scale_is_learned_or_fixed() -> None:
    points = torch.tensor([[1.0, 2.0, 0.5]])
    fixed = encoding(32, scale=0.5, learned_scale=False)
    assert list(fixed.parameters()) == []
    learned = encoding(32, scale=0.5)
    torch.testing.assert_close(learned(points), fixed(points))
    learned(points).sum().backward()
    assert learned.scale is not None
    assert learned.scale.grad is not None
    torch.testing.assert_close(encoding(32)(points) * 0.5, fixed(points))


def test_wavelengths_must_be_ordered() -> None:
    with pytest.raises((SettingsError, Exception), match="must be less than max_wavelength_m 2"):
        PositionEncodingSettings.parse({"min_wavelength_m": 3.0, "max_wavelength_m": 2.0})
