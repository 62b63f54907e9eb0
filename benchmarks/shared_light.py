"""Measure pictures whose light is shared by a house's views, and what they cost.

Run from the repository: `python -m benchmarks.shared_light`. Pictures are compared with 256 paths
a pixel, denoised, beside those of four paths a pixel, denoised (the preset `default`);
times are CPU seconds of everything from the house's JSON to the Zarr store. A reference picture
takes about a minute; `--references FOLDER` keeps them for the next run.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, report_figures
from benchmarks.rendering_jobs import good_cameras, rate_figures
from workflow_scripts.common.cli import run
from workflow_scripts.common.seeds import rng
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.scenes.generator import generate_house
from workflow_scripts.sources.readers.procthor_house import rooms
from workflow_scripts.views.backends.pathtrace import PathtraceRenderer, TracedHouse
from workflow_scripts.views.pathtrace.tone_mapping import tone_map

PATHS = 4


def main(
    *,
    num_rooms: int = 20,
    size_px: int = 336,
    reference_paths: int = 256,
    stills: int = 8,
    walk: int = 64,
    num_houses: int = 3,
    furniture: str = "auto",
    references: Path | None = None,
    seed: int = 7,
) -> None:
    """Print each figure beside its goal.

    Args:
        num_rooms: how many pictures are compared with their reference; 0 for none.
        size_px: side of a picture.
        reference_paths: paths a pixel of a reference.
        stills: views of a house, spread over its rooms.
        walk: neighbouring views of a house.
        num_houses: houses of which rates are measured.
        furniture: as `views.furniture`.
        references: folder of reference pictures, read and added to.
        seed: of the generated houses.
    """
    renderer = PathtraceRenderer(preset="shared", furniture=furniture)
    figures = []
    if num_rooms:
        figures += _quality(renderer, num_rooms, size_px, reference_paths, references, seed)
    figures += rate_figures(
        "shared",
        furniture,
        views=stills,
        walk=walk,
        num_houses=num_houses,
        size_px=size_px,
        seed=seed,
    )
    figures.append(Figure("largest memory of the process", f"{_peak_gb():.2f} GB", "limit: 1.5"))
    report_figures("shared_light", figures)


def _quality(
    renderer: PathtraceRenderer,
    num_rooms: int,
    size_px: int,
    reference_paths: int,
    references: Path | None,
    seed: int,
) -> list[Figure]:
    """Return the errors of the pictures of rooms, and how much neighbouring pictures differ."""
    errors: dict[str, list[tuple[float, float]]] = {"paths": [], "shared": []}
    flicker: dict[str, list[float]] = {"paths": [], "shared": []}
    number = 0
    while len(errors["shared"]) < num_rooms:
        house = generate_house(seed, number)
        loaded = renderer.load(house, scene_id=str(number))
        for room in rooms(house):
            cameras = good_cameras(loaded, room, 1, size_px, seed)
            if not cameras or len(errors["shared"]) == num_rooms:
                continue
            furniture, room_id = renderer.provenance["furniture"], room.room_id.replace("|", "-")
            name = f"{furniture}-{seed}-{number}-{room_id}"
            path = references / f"{name}-{size_px}-{reference_paths}.npy" if references else None
            truth = _reference(loaded, cameras[0], reference_paths, path)
            by_paths = [_by_paths(loaded, cameras[0], PATHS, part) for part in (1, 2)]
            shared = [loaded.render(cameras[0], seed=part).rgb for part in (1, 2)]
            for kind, pair in (("paths", by_paths), ("shared", shared)):
                errors[kind].append(_errors(pair[0], truth))
                flicker[kind].append(float(np.abs(pair[0].astype(float) - pair[1]).mean()))
        number += 1
    before, after = (np.mean(errors[kind], axis=0) for kind in ("paths", "shared"))
    worse = sum(new[0] > old[0] for new, old in zip(errors["shared"], errors["paths"], strict=True))
    return [
        Figure(
            f"mean absolute error of {num_rooms} rooms against {reference_paths} paths",
            f"{after[0]:.2f}",
            f"{PATHS} paths: {before[0]:.2f}; {worse} rooms are worse",
        ),
        Figure("PSNR of the same", f"{after[1]:.2f} dB", f"{PATHS} paths: {before[1]:.2f} dB"),
        Figure(
            "mean difference of two pictures with other seeds",
            f"{np.mean(flicker['shared']):.2f}",
            f"{PATHS} paths: {np.mean(flicker['paths']):.2f}",
        ),
    ]


def _reference(loaded: TracedHouse, camera: Camera, paths: int, path: Path | None) -> np.ndarray:
    if path is not None and path.exists():
        stored: np.ndarray = np.load(path)
        return stored
    truth = _by_paths(loaded, camera, paths, 0)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, truth)
    return truth


def _by_paths(loaded: TracedHouse, camera: Camera, paths: int, part: int) -> np.ndarray:
    """Return the denoised picture of single paths; its bounces are those that are shared."""
    light = loaded.path_tracer.radiance(
        camera, samples=paths, bounces=2, random=rng(0, "benchmark", part)
    )
    return tone_map(light)


def _errors(picture: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Return the mean absolute error and the PSNR in dB."""
    difference = picture.astype(np.float64) - truth
    square = max(float((difference**2).mean()), 1e-9)
    return float(np.abs(difference).mean()), 10 * float(np.log10(255**2 / square))


def _peak_gb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    run(main)
