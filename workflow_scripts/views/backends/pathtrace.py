"""The embedded view backend: ProcTHOR houses rendered by the path tracer of `views/pathtrace`."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any, Literal

import numpy as np
from shapely.geometry.base import BaseGeometry

from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.common.records import ObjectRow
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.splits import content_hash
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.views.credits import Credit
from workflow_scripts.views.drawn_surfaces import (
    AssetShape,
    DrawnSurfaces,
    asset_shape,
    with_shape,
)
from workflow_scripts.views.frame import Frame
from workflow_scripts.views.furniture import build, credits
from workflow_scripts.views.meshes import Mesh
from workflow_scripts.views.pathtrace.cell_tracer import CellTracer
from workflow_scripts.views.pathtrace.lights import Sky
from workflow_scripts.views.pathtrace.reachability import free_area, reachable_m
from workflow_scripts.views.pathtrace.scene import RenderScene, TriangleMesh, build_scene
from workflow_scripts.views.pathtrace.tone_mapping import tone_map
from workflow_scripts.views.pathtrace.tracer import Tracer


@dataclass(frozen=True)
class Preset:
    """Quality of the pictures: rays a pixel, and where their light comes from.

    `cells`: what lamps, windows and surfaces throw on the house is kept in cells and shared by
    its views; sun, gloss and edges are the view's own, and `edge_samples` more rays are cast
    through pixels at edges. `paths`: every ray is followed over `bounces`, and the picture is
    denoised.
    """

    light: Literal["cells", "paths"]
    samples: int
    edge_samples: int = 0
    bounces: int = 2


PRESETS = {
    "draft": Preset("paths", samples=2),
    "default": Preset("paths", samples=4),
    "high": Preset("paths", samples=16, bounces=3),
    "reference": Preset("paths", samples=256, bounces=3),
    "shared": Preset("cells", samples=4, edge_samples=8),
}


def _installed(*packages: str) -> str:
    """Return the name and version of the first package that is installed, '' if none is."""
    for package in packages:
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
    return ""


def _denoiser(preset: Preset) -> str:
    if preset.light == "cells":
        return "none"
    return _installed("pyoidn") or "a-trous filter"


class TracedHouse:
    """A house whose surfaces are built and ready for ray casting."""

    def __init__(
        self,
        scene: RenderScene,
        sky: Sky,
        tracer: Tracer,
        *,
        scene_id: str,
        preset: str,
        asset_shapes: Mapping[str, AssetShape] | None,
    ) -> None:
        """Take a scene, and the shapes of its assets by their ids; None measures no surfaces."""
        self.objects: Sequence[ObjectRow] = scene.objects
        self.surfaces: DrawnSurfaces | None = None
        if asset_shapes is not None:
            mesh = scene.triangle_mesh
            is_object = np.isin(
                mesh.instance, [row.instance for row in scene.objects if row.kind == "object"]
            )
            surfaces = DrawnSurfaces(mesh.triangles[is_object], mesh.instance[is_object])
            self.surfaces = surfaces
            self.objects = [
                with_shape(row, surfaces, asset_shapes[row.asset_id])
                if row.instance in surfaces
                else row
                for row in scene.objects
            ]
        self._scene, self._sky, self._tracer = scene, sky, tracer
        self._scene_id, self._preset = scene_id, PRESETS[preset]

    def as_scene(self, scene_id: str) -> "TracedHouse":
        """Return the same house under the id of another scene; nothing is built again."""
        house = copy.copy(self)
        house._scene_id = scene_id
        house.objects = [row.model_copy(update={"scene_id": scene_id}) for row in self.objects]
        return house

    @property
    def path_tracer(self) -> Tracer:
        """The tracer of single paths, for tests and measurements."""
        return self._tracer

    @cached_property
    def _cell_tracer(self) -> CellTracer:
        return CellTracer(self._scene, self._sky, self._tracer)

    @property
    def triangle_mesh(self) -> TriangleMesh:
        """The house's triangles, for tests and measurements."""
        return self._scene.triangle_mesh

    def reachable_m(self) -> np.ndarray:
        """Return floor points [n, 3] of a 0.25 m grid where an agent of radius 0.2 m fits."""
        return reachable_m(self._scene)

    def free_area(self, *, clearance_m: float, height_m: float) -> BaseGeometry:
        """Return where the middle of someone of a height may be, clear of all obstacles."""
        return free_area(self._scene, clearance_m=clearance_m, height_m=height_m)

    def geometry(self, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
        """Return depth_m f32 [h, w] and instance u16 [h, w] without an image."""
        return self._tracer.geometry(camera)

    def render(self, camera: Camera, *, seed: int) -> Frame:
        """Return image, planar depth and instance ids; equal arguments give equal bytes."""
        hits = self._tracer.centre_hits(camera)
        depth_m, instance = self._tracer.depth_and_instance(camera, hits)
        pose = np.ascontiguousarray(camera.world_from_camera, dtype="<f8").tobytes().hex()
        random, preset = rng(seed, "pathtrace", self._scene_id, pose), self._preset
        if preset.light == "paths":
            light = self._tracer.radiance(
                camera,
                samples=preset.samples,
                bounces=preset.bounces,
                random=random,
                centre_hits=hits,
            )
            return Frame(tone_map(light), depth_m, instance)
        light = self._cell_tracer.radiance(
            camera,
            samples=preset.samples,
            edge_samples=preset.edge_samples,
            random=random,
            centre_hits=hits,
        )
        return Frame(tone_map(light, is_noisy=False), depth_m, instance)


class PathtraceRenderer:
    """Loads houses for the path tracer; `furniture` names the mesh library.

    Attributes:
        measures_surfaces: Whether houses have `surfaces`; without, objects are known by their
            boxes alone, and a house is loaded in two thirds of the time.
    """

    measures_surfaces = True

    def __init__(
        self,
        *,
        preset: str = "default",
        furniture: str = "auto",
        width_px: int = 336,
        height_px: int = 336,
    ) -> None:
        if preset not in PRESETS:
            raise UserError(f"views.preset is {preset!r}; {allowed_values(preset, PRESETS)}")
        self._preset, self._library = preset, furniture
        self._asset_shapes: dict[str, AssetShape] = {}
        self._assets: set[str] = set()
        self._last: tuple[tuple[str, bool], TracedHouse] | None = None
        self.provenance = {
            "renderer": "pathtrace",
            "rays": _installed("embreex", "open3d-cpu", "open3d"),
            "denoiser": _denoiser(PRESETS[preset]),
            **asdict(PRESETS[preset]),
            "furniture": furniture,
        }

    def __enter__(self) -> "PathtraceRenderer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    @property
    def credits(self) -> tuple[Credit, ...]:
        """Attributions of the models in the houses loaded so far."""
        return () if self._library == "procedural" else credits(sorted(self._assets))

    def load(self, house: dict[str, Any], *, scene_id: str) -> TracedHouse:
        """Build a house, unless it is the last one; `UserError` says what is wrong with it."""
        key = (content_hash(house), self.measures_surfaces)
        if self._last is None or self._last[0] != key:
            self._last = None  # two houses would not be in memory at once
            self._last = (key, self._build(house, scene_id))
        return self._last[1].as_scene(scene_id)

    def _build(self, house: dict[str, Any], scene_id: str) -> TracedHouse:
        scene = build_scene(house, scene_id, self._furniture)
        sky = Sky.of(house)
        tracer = Tracer(scene, sky)
        return TracedHouse(
            scene,
            sky,
            tracer,
            scene_id=scene_id,
            preset=self._preset,
            asset_shapes=self._asset_shapes if self.measures_surfaces else None,
        )

    def _furniture(self, category: str, size_m: tuple[float, float, float], asset_id: str) -> Mesh:
        mesh = build(category, size_m, asset_id, library=self._library)
        self._assets.add(asset_id)
        if self.measures_surfaces and asset_id not in self._asset_shapes:
            self._asset_shapes[asset_id] = asset_shape(mesh)
        return mesh
