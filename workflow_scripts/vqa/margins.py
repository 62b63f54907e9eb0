"""How large a difference must be for an answer to be clear."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from workflow_scripts.config.vqa import ClaritySettings
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.view_context import ViewContext

Unit = Literal["m", "m2", "px", "ratio", "deg", "count", ""]


@dataclass(frozen=True)
class Margins:
    """How large a difference must be to have a clear answer.

    `metres` for positions, `ratio` by which the larger size exceeds the smaller, `image` as a
    share of the image's shorter side, `degrees` for directions; and always `sigmas` standard
    deviations of what was measured.
    """

    metres: float
    ratio: float
    image: float
    degrees: float
    sigmas: float

    @classmethod
    def of_settings(cls, settings: ClaritySettings) -> Self:
        """Return the margins of the configuration."""
        return cls(
            metres=settings.margin_m,
            ratio=settings.margin_ratio,
            image=settings.margin_image,
            degrees=settings.margin_deg,
            sigmas=settings.margin_sigmas,
        )

    def of(self, unit: Unit, view_context: ViewContext) -> float:
        """Return the margin in a unit."""
        if unit in ("m", "m2"):
            return self.metres
        if unit == "px":
            return self.image * view_context.shorter_side_px
        return self.ratio if unit == "ratio" else self.degrees if unit == "deg" else 0.0

    def needed(self, unit: Unit, view_context: ViewContext, sigma: FloatArray) -> FloatArray:
        """Return by how much an answer must hold to be clear, row by row."""
        return np.maximum(max(self.of(unit, view_context), 1e-9), self.sigmas * sigma)


NO_MARGINS = Margins(metres=0.0, ratio=0.0, image=0.0, degrees=0.0, sigmas=0.0)
