"""Pictures of keypoints: true and estimated, in every view of a frame."""

from collections.abc import Sequence
from typing import Any

import numpy as np

TRUE_COLOUR, ESTIMATED_COLOUR = "#12805c", "#d9480f"


def plot_keypoint_views(
    *,
    true_px: np.ndarray,
    estimated_px: np.ndarray,
    seen: np.ndarray,
    cameras: Sequence[str],
    size_px: tuple[int, int],
    rgb: np.ndarray | None = None,
    title: str = "",
) -> Any:
    """Draw the keypoints of one frame: rings are true (pale where hidden), crosses estimated.

    Args:
        true_px: [view, keypoint, 2].
        estimated_px: [view, keypoint, 2], NaN where there is none.
        seen: [view, keypoint], whether the view sees the keypoint.
        cameras: Names of the views.
        size_px: Width and height of the pictures.
        rgb: [view, y, x, 3], the pictures, if they are at hand.
        title: Line above all.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    count = len(cameras)
    figure, axes = pyplot.subplots(
        1, count, figsize=(2.9 * count, 3.3), layout="constrained", squeeze=False
    )
    width, height = size_px
    for view, (name, axis) in enumerate(zip(cameras, axes[0], strict=True)):
        if rgb is not None:
            axis.imshow(rgb[view], extent=(0, width, height, 0), interpolation="lanczos")
        else:
            axis.set_facecolor("#f2f4f7")
        for k, (true, estimated) in enumerate(zip(true_px[view], estimated_px[view], strict=True)):
            axis.plot(*np.stack([true, estimated]).T, color=ESTIMATED_COLOUR, lw=0.8)
            axis.plot(
                *true,
                marker="o",
                ms=9,
                mfc="none",
                mec=TRUE_COLOUR,
                mew=1.6,
                ls="none",
                alpha=1.0 if seen[view, k] else 0.45,
                label="true" if view == k == 0 else None,
            )
            axis.plot(
                *estimated,
                marker="x",
                ms=6,
                color=ESTIMATED_COLOUR,
                mew=1.6,
                ls="none",
                label="estimated" if view == k == 0 else None,
            )
        axis.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[], title=name)
        axis.set_aspect("equal")
    figure.suptitle(title, fontsize=10)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return figure
