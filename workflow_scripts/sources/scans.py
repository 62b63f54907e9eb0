"""Source scans: posed RGB-D video of rooms, simulated or read from files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.shards import Shard, assign_shards, scenes_per_shard
from workflow_scripts.config.base import SettingsError, UserPath, one_of
from workflow_scripts.sources.annotation_settings import AnnotationsSettings
from workflow_scripts.sources.base import ALL_STAGES, PlanContext, ShardPlan, Source, Stage
from workflow_scripts.sources.procthor import HousesSettings, house_files, plan_house_shards
from workflow_scripts.sources.readers.photo_files import folder_digests
from workflow_scripts.sources.readers.scan_records import ScanScene
from workflow_scripts.sources.readers.scans.base import READERS, detect_format, load_reader
from workflow_scripts.sources.readers.scans.folders import require_one_layout
from workflow_scripts.sources.scan_localise import ScanProposalSettings, require_models
from workflow_scripts.sources.scan_settings import (
    FrameSelectionSettings,
    ScanReadSettings,
    WalkPictureSettings,
    WalkSettings,
)

SIMULATED = "simulated"
AUTO = "auto"
LaterStage = Literal["depth", "captions", "pointclouds", "vqa"]
# Of ScanNet, for estimates.
FRAMES_OF_A_SCAN = 1600


class ScanFilesSettings(HousesSettings):
    """Where scans come from."""

    format: Annotated[str, one_of((SIMULATED, AUTO, *READERS))] = Field(
        SIMULATED,
        description="simulated: a camera walks through houses; otherwise the layout of the files "
        "below `path`, which auto finds out (docs/scans.md draws each)",
    )
    path: UserPath | None = Field(
        None, description="folder of scans, or one scan; null with format simulated"
    )
    annotations: AnnotationsSettings | None = Field(
        None,
        description="published descriptions of the scans and questions about them: ScanRefer, "
        "Multi3DRefer, Scan2Cap, ScanQA, SQA3D; scans that they name are in the split of their "
        "file; null: none",
    )
    scans_per_house: int = Field(
        1,
        ge=1,
        le=100,
        description="simulated scans of a house, which is built once for all of them: first of "
        "its other rooms, then other walks",
    )

    @model_validator(mode="after")
    def _has_path(self) -> "ScanFilesSettings":
        if (self.format == SIMULATED) != (self.path is None):
            problem = (
                "null, but format is " + self.format + ": give the folder of the scans"
                if self.path is None
                else "given, but format is simulated; set format to auto or to a layout"
            )
            raise SettingsError((("path",), problem))
        if self.annotations is not None and self.path is None:
            raise SettingsError((("annotations",), "given, but scans are simulated: set path"))
        return self


class ScansSettings(
    ScanFilesSettings, WalkSettings, WalkPictureSettings, ScanReadSettings, ScanProposalSettings
):
    """Posed RGB-D scans, simulated or your own; null turns the source off."""

    num_scans: int | None = Field(
        8,
        ge=1,
        le=1_000_000,
        description="how many scans; null takes every scan below `path`, or every house of a file",
    )
    scans_per_shard: Literal["auto"] | Annotated[int, Field(ge=1, le=100_000)] = Field(
        4,
        description="scans in one job; auto is the smallest power of two, at least 8, that needs "
        "at most 128 shards",
    )
    selection: FrameSelectionSettings = Field(
        FrameSelectionSettings(), description="which frames of a scan are chosen"
    )
    later_stages: list[LaterStage] | None = Field(
        None,
        description="stages that take the views of simulated scans as they take every source: "
        "depth, captions, pointclouds, vqa (questions about single frames); null: all of them, as "
        "for scans from files. Frames are chosen and video models are asked anyway",
    )

    @model_validator(mode="after")
    def _whole_houses(self) -> "ScansSettings":
        for key in ("num_scans", "scans_per_shard"):
            number = getattr(self, key)
            if isinstance(number, int) and number % self.scans_per_house and self.path is None:
                problem = f"{number} is no multiple of scans_per_house, {self.scans_per_house}"
                raise SettingsError(((key,), problem))
        return self

    @model_validator(mode="after")
    def _one_origin_of_objects(self) -> "ScansSettings":
        if self.localise is not None:
            for key in ("path", "boxes", "masks", "annotations"):
                is_given = getattr(self, key) is not None
                if is_given != (key == "path"):
                    problem = (
                        "given beside localise; give one of the two"
                        if is_given
                        else "null, but localise finds objects in scans from files only"
                    )
                    raise SettingsError(((key,), problem))
        return self

    @model_validator(mode="after")
    def _has_annotated_objects(self) -> "ScansSettings":
        for key in ("boxes", "masks"):
            if self.annotations is not None and getattr(self, key) is not None:
                problem = (
                    "given beside annotations, which name objects by the ids of the data set's own "
                    "objects; a detector's boxes are given as annotations.predicted_boxes"
                )
                raise SettingsError(((key,), problem))
        return self


def plan_scans(settings: ScansSettings, context: PlanContext) -> ShardPlan:
    """Return the shards of scans, with a digest of each one's files or houses."""
    if settings.path is None:
        key = f"sources.{context.source}.num_scans"
        count = settings.scans_per_house
        wanted = settings.num_scans and settings.num_scans // count
        size = settings.scans_per_shard
        houses = plan_house_shards(
            settings, wanted, size if size == "auto" else size // count, key=key
        )
        shards = {
            name: Shard(shard.start * count, shard.stop * count)
            for name, shard in houses.shards.items()
        }
        return ShardPlan(shards, houses.digests)
    entries = load_reader(settings.format).list_scans(Path(settings.path))[: settings.num_scans]
    size = scenes_per_shard(len(entries), settings.scans_per_shard)
    shards = assign_shards(len(entries), size)
    for key in ("boxes", "masks"):
        given = getattr(settings, key)
        if given is not None and not Path(given).exists():
            raise UserError(f"sources.{context.source}.{key}: {given}: no such file or folder")
    require_models(settings, f"sources.{context.source}")
    objects = [path for path in (settings.boxes, settings.masks) if path is not None]
    if settings.annotations is not None:
        _require_files(settings.annotations, f"sources.{context.source}.annotations")
        # Splits of scans follow from these.
        objects += [str(path) for each in settings.annotations.files() for path in each.paths]
    digests = {
        name: folder_digests(
            [*(str(entry.path) for entry in entries[shard.start : shard.stop]), *objects]
        )
        for name, shard in shards.items()
    }
    return ShardPlan(shards, digests)


def _require_files(annotations: AnnotationsSettings, key: str) -> None:
    """Raise `UserError` if a file of annotations is not there, or none is given."""
    if not any(True for _ in annotations.files()):
        raise UserError(f"{key}: no file of a data set is given; give one, or null")
    missing = [path for path in annotations.all_paths() if not Path(path).is_file()]
    if missing:
        raise UserError(f"{key}: {missing[0]}: no such file; correct the path")


def resolve_format(settings: ScansSettings) -> ScansSettings:
    """Return settings with the layout that `auto` stands for."""
    if settings.format != AUTO or settings.path is None:
        return settings
    name = detect_format(Path(settings.path))
    require_one_layout(Path(settings.path), name)
    return settings.model_copy(update={"format": name})


def scan_files(settings: ScansSettings) -> tuple[str, ...]:
    """Return the user's files that scans are read from."""
    if settings.path is None:
        return house_files(settings)
    words = () if settings.annotations is None else settings.annotations.all_paths()
    listed = (settings.path, settings.boxes, settings.masks, *words)
    return tuple(path for path in listed if path is not None)


def views_per_scan(settings: ScansSettings, _: Mapping[str, Any]) -> float:
    """Return about how many views a scan has."""
    if settings.path is None:
        return float(settings.frames)
    return float(settings.read_frames or FRAMES_OF_A_SCAN)


def scan_stages(settings: ScansSettings) -> tuple[Stage, ...]:
    """Return the stages that scans take part in."""
    later = settings.later_stages
    if settings.path is not None or later is None:
        return ALL_STAGES
    return tuple(stage for stage in ALL_STAGES if stage in ("scenes", "views", *later))


def scan_depth_kind(settings: ScansSettings) -> Literal["exact", "sensor"]:
    """Say how far depth may be wrong: that of files was measured by a sensor."""
    return "exact" if settings.path is None else "sensor"


SOURCE = Source(
    settings=ScansSettings,
    scene_kind="scan",
    record=ScanScene,
    plan=plan_scans,
    description="posed RGB-D scans of rooms: a camera that walks through ProcTHOR-schema houses, "
    "or scans from files",
    license_note="simulated: houses and asset tables after ProcTHOR and AI2-THOR, Apache-2.0; "
    "furniture meshes of Sweet Home 3D, where they were used, keep the licenses of their authors "
    "(see the credits beside the views); scans from files keep the terms of their data set",
    sample="workflow_scripts.scenes.sample_scans:sample_scans",
    sample_settings=ScanFilesSettings,
    input_files=scan_files,
    depth_kind=scan_depth_kind,
    views_per_scene=views_per_scan,
    stages_of=scan_stages,
    resolve=resolve_format,
)
