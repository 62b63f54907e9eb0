"""Draw training curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow_scripts.common.storage import atomic_write


def draw_curves(
    path: Path, history: Sequence[Mapping[str, Any]], *, names: Mapping[str, str], title: str
) -> None:
    """Draw what the Trainer logged against steps; `names` maps logged keys to labels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import MaxNLocator

    figure, axes = pyplot.subplots(figsize=(6.4, 3.6), layout="constrained")
    for key, label in names.items():
        points = [(row["step"], row[key]) for row in history if key in row]
        if points:
            axes.plot(*zip(*points, strict=True), label=label, marker="o" * (len(points) < 3))
    axes.set(title=title, xlabel="step", ylabel="loss")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
    with atomic_write(path) as partial:
        figure.savefig(partial, format="png", dpi=120, metadata={"Software": None})
    pyplot.close(figure)
