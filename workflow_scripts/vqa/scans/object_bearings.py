"""In which direction an object is from all places that a situation may mean."""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.scan_context import ScanObject
from workflow_scripts.vqa.scans.situations import Situation

MIN_DISTANCE_M = 0.5
_QUARTER_DEG, _MAYBE_DEG = 30.0, 75.0
_MIDDLES_DEG = {"front": 0.0, "left": 90.0, "behind": 180.0, "right": -90.0}


@dataclass(frozen=True, eq=False)
class ObjectBearing:
    """Where an object is from the places of a situation.

    `left_deg` f64 [n]: angle of its middle to the left of straight ahead. `side`, `depth`: left or
    right, front or behind, '' where that is not clear; `margin_deg` of each.
    """

    item: ScanObject
    left_deg: np.ndarray
    gap_m: np.ndarray
    side: str
    depth: str
    side_margin_deg: float
    depth_margin_deg: float

    @property
    def quarter(self) -> str:
        """Return in front, behind, to the left or to the right, '' where two might be said."""
        for name in _MIDDLES_DEG:
            if self._away_deg(name).max() <= _QUARTER_DEG:
                return name
        return ""

    def may_be_at(self, where: str) -> bool:
        """Say whether people might say that it is in front, behind, to the left or right."""
        return bool((self._away_deg(where) < _MAYBE_DEG).any())

    def _away_deg(self, where: str) -> np.ndarray:
        away = (self.left_deg - _MIDDLES_DEG[where] + 180) % 360 - 180
        result: np.ndarray = np.abs(away)
        return result


def locate(situation: Situation, item: ScanObject, settings: ScanQuestionSettings) -> ObjectBearing:
    """Return where an object is from the places of a situation."""
    angle = situation.bearings_deg(item.centre_m[None, :2])[:, 0]
    corners = situation.bearings_deg(item.footprint_corners_m)
    gap = situation.gaps_m(item)
    margin = settings.margin_deg
    lateral = np.sin(np.deg2rad(angle))
    ahead = np.cos(np.deg2rad(angle))
    side = depth = ""
    # How far the middle is from straight ahead or behind, and from level with oneself.
    side_deg = float(np.rad2deg(np.arcsin(np.abs(lateral).min())))
    depth_deg = float(np.rad2deg(np.arcsin(np.abs(ahead).min())))
    if gap.min() >= MIN_DISTANCE_M:
        corner_side = np.sin(np.deg2rad(corners))
        if side_deg >= margin:
            side = "left" if corner_side.min() > 0 else "right" if corner_side.max() < 0 else ""
        corner_ahead = np.cos(np.deg2rad(corners))
        if depth_deg >= margin:
            depth = (
                "front" if corner_ahead.min() > 0 else "behind" if corner_ahead.max() < 0 else ""
            )
    return ObjectBearing(item, angle, gap, side, depth, side_deg, depth_deg)
