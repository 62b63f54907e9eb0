"""Source images: the user's own photos."""

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.hub_names import is_hub_id, require_model
from workflow_scripts.common.shards import assign_shards
from workflow_scripts.config.base import Settings, SettingsError, Text, UniqueList, UserPath
from workflow_scripts.sources.base import (
    PlanContext,
    ShardPlan,
    Source,
    is_depth_estimated,
    sensor_depth,
)
from workflow_scripts.sources.readers.photo_files import (
    count_photos,
    is_saved_dataset,
    list_folder,
    photo_shard_digests,
    photos_per_shard,
    require_folder,
)
from workflow_scripts.sources.readers.photo_folder import photo_stems
from workflow_scripts.sources.readers.photo_records import Photo
from workflow_scripts.sources.readers.sidecar_files import (
    refuse_photos_as_sidecars,
    require_sidecars,
)

Objects = TypeVar("Objects", bound="PhotoObjectsSettings")
PIXELS = Annotated[int, Field(ge=16, le=4096)]


class PhotoFilesSettings(Settings):
    """Where photos lie."""

    photos: UserPath = Field(
        description="a folder of photos (at any depth), a folder written by datasets' "
        "save_to_disk, or a data set's id on the hub (owner/name)"
    )
    column: str = Field("image", description="column of a data set that holds the pictures")
    dataset_split: str = Field("train", description="split of a data set")
    ignore_folders: UniqueList[UserPath] = Field(
        (),
        description="folders below that of the photos that hold none; those of depth, intrinsics "
        "and masks need no mention",
    )


class PhotoHashSettings(PhotoFilesSettings):
    """Which photos can be used, and their hashes."""

    min_side_px: int = Field(64, ge=1, description="photos with a shorter side are left out")
    max_pixels: int = Field(
        100_000_000,
        ge=1,
        description="photos of more pixels are left out before they are decoded",
    )


class PhotoGroupSettings(Settings):
    """Which photos share a split."""

    near_duplicate_bits: int = Field(
        10,
        ge=0,
        le=40,
        description="photos whose perceptual hashes differ in at most this many of 128 bits share "
        "a split",
    )


class PhotoReadSettings(PhotoFilesSettings):
    """How photos become views."""

    width_px: PIXELS = Field(
        512,
        description="width of the views; a photo is scaled to fit and padded with gray bars, and "
        "its intrinsics are adapted",
    )
    height_px: PIXELS = Field(512, description="height of the views")
    default_fov_deg: float = Field(
        60.0,
        ge=5,
        le=150,
        description="field of view along the longer side of a photo whose camera is unknown",
    )
    depth: UserPath | None = Field(
        None,
        description="folder of depth maps named like the photos: 16-bit PNG, TIFF, .npy or .npz; "
        "planar z of the upright photo; null: none",
    )
    depth_unit_m: float = Field(
        0.001,
        gt=0,
        description="meters that a whole number in a depth map counts",
    )
    depth_float_unit_m: float = Field(
        1.0,
        gt=0,
        description="meters that a floating-point number in a depth map counts; 0.001 if they are "
        "millimetres",
    )
    intrinsics: UserPath | None = Field(
        None,
        description="folder of cameras named like the photos (.json with fx, fy, cx, cy or K, and "
        "width, height, world_from_camera if known; .txt with 3 x 3 numbers), or one such file "
        "for all; null: none",
    )


class FilterSettings(Settings):
    """Which photos are kept, by their similarity to labels in a dual encoder."""

    include: UniqueList[str] = Field((), description="what photos should show")
    exclude: UniqueList[str] = Field((), description="what photos should not show")
    threshold: float = Field(0.5, ge=0, le=1, description="probability from which a label counts")
    model: UserPath = Field(
        "google/siglip-base-patch16-224",
        description="hub id or local folder of a CLIP or SigLIP model",
    )
    template: str = Field(
        "a photo of {}",
        pattern=r"^[^{}]*\{\}[^{}]*$",
        description="text around a label, which stands for {}",
    )
    batch_size: int = Field(32, ge=1, description="photos at a time")

    @model_validator(mode="after")
    def _labels(self) -> "FilterSettings":
        for name in ("include", "exclude"):
            if any(not label.strip() for label in getattr(self, name)):
                raise SettingsError(((name,), "a label is empty; remove it"))
        both = sorted(set(self.include) & set(self.exclude))
        if both:
            raise ValueError(f"{', '.join(both)} is in include and in exclude; remove one")
        return self


class MaskSizeSettings(Settings):
    """The smallest masks that are kept; packing views reads this alone."""

    min_pixels: int = Field(64, ge=1, description="smaller masks are left out")


class LocaliseSettings(MaskSizeSettings):
    """Who finds the objects in photos, and which of them are kept."""

    backend: Literal["auto", "masks", "florence2", "grounding_dino"] = Field(
        "auto",
        description="your own masks, or a network that proposes boxes, which SAM 2 turns into "
        "masks; auto takes your masks where they are given, else florence2",
    )
    model: UserPath | None = Field(
        None,
        description="hub id or local folder of the proposing network; null: the backend's usual "
        "one",
    )
    mask_model: UserPath = Field(
        "facebook/sam2.1-hiera-small", description="hub id or local folder of a SAM 2 model"
    )
    phrases: UniqueList[Text] = Field(
        (),
        description="what to look for; florence2 finds what it knows if there are none, "
        "grounding_dino needs some",
    )
    min_confidence: float = Field(
        0.3, ge=0, le=1, description="proposals with a lower confidence are left out"
    )
    min_mask_score: float = Field(
        0.5, ge=0, le=1, description="masks with a lower score are left out"
    )
    max_area_share: float = Field(
        0.75, gt=0, le=1, description="masks that cover more of the photo are left out"
    )
    max_border_sides: int = Field(
        2, ge=0, le=4, description="masks that touch more sides of the photo are left out"
    )
    duplicate_iou: float = Field(
        0.5,
        gt=0,
        le=1,
        description="masks of one label that overlap at least this much are one object",
    )
    max_words: int = Field(5, ge=1, description="longer labels are sentences and are left out")
    max_objects: int = Field(
        40,
        ge=1,
        le=1000,
        description="at most this many objects of a photo are kept, those with the highest "
        "confidence",
    )
    exclude_labels: tuple[Text, ...] = Field(
        (
            *("wall", "floor", "ceiling", "ground", "sky", "room", "building", "scene"),
            *("background", "picture", "photo", "image", "area", "interior"),
        ),
        description="labels that name no object",
    )
    batch_size: int = Field(4, ge=1, description="photos at a time")


class PhotoObjectsSettings(Settings):
    """How the objects in photos are found."""

    masks: UserPath | None = Field(
        None,
        description="folder of masks named like the photos: .png of ids with labels in .json, or "
        ".json with COCO segmentations; null: none",
    )
    localise: LocaliseSettings = Field(
        LocaliseSettings(),
        description="how objects are found in photos, and which of them are kept",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "PhotoObjectsSettings":
        backend = self.localise.backend
        if backend == "masks" and self.masks is None:
            raise SettingsError(
                (
                    ("masks",),
                    "null, but sources.images.localise.backend is masks: give the folder of "
                    "masks, or choose florence2 or grounding_dino",
                )
            )
        if backend == "grounding_dino" and not self.localise.phrases:
            raise SettingsError(
                (
                    ("localise", "phrases"),
                    "empty, but grounding_dino must be told what to look for, such as "
                    "[box, chair]; or choose florence2",
                )
            )
        if backend not in ("auto", "masks") and self.masks is not None:
            raise SettingsError(
                (
                    ("masks",),
                    f"given, but sources.images.localise.backend is {backend}, which makes its "
                    "own: choose masks, or set the folder to null",
                )
            )
        return self


class ImagesSettings(
    PhotoHashSettings, PhotoGroupSettings, PhotoReadSettings, PhotoObjectsSettings
):
    """Your own photos; null turns the source off."""

    num_photos: int | None = Field(
        None,
        ge=1,
        le=100_000_000,
        description="how many photos, in order of their names; null: all (a data set of the hub "
        "needs a number)",
    )
    photos_per_shard: Literal["auto"] | Annotated[int, Field(ge=1, le=100_000)] = Field(
        "auto",
        description="photos in one job; auto is the smallest power of two, at least 64, that "
        "needs at most 128 shards",
    )
    filter: FilterSettings = Field(
        FilterSettings(),
        description="which photos are kept, by their similarity to labels in a dual encoder; with "
        "both lists empty all are",
    )


def resolve_localiser(settings: Objects) -> Objects:
    """Return settings that name who finds the objects: the user's masks, where there are any."""
    if settings.localise.backend != "auto":
        return settings
    backend = "florence2" if settings.masks is None else "masks"
    localise = settings.localise.model_copy(update={"backend": backend})
    return settings.model_copy(update={"localise": localise})


def resolve_photos(settings: ImagesSettings) -> ImagesSettings:
    """Return settings with the localiser named, and sidecar folders among the photos left out."""
    photos = Path(settings.photos).resolve()
    folders = dict.fromkeys(settings.ignore_folders)
    for sidecars in (settings.depth, settings.intrinsics, settings.masks):
        if sidecars is not None and photos in Path(sidecars).resolve().parents:
            folders[sidecars] = None
    update = {"ignore_folders": tuple(folders)}
    return resolve_localiser(settings).model_copy(update=update)


def check_photos(settings: ImagesSettings, context: PlanContext) -> None:
    """Raise `UserError` for photos without any depth, and for missing folders and models."""
    key = f"sources.{context.source}"
    if settings.depth is None and not is_depth_estimated(context.config, context.source):
        raise UserError(
            f"{key}: photos have no depth of their own: give the folder of depth maps "
            f"({key}.depth), or set depth.backend to transformers"
        )
    for name in ("depth", "intrinsics", "masks"):
        require_folder(getattr(settings, name), f"{key}.{name}")
    if settings.filter.include or settings.filter.exclude:
        require_model(f"{key}.filter.model", settings.filter.model)
    localise = resolve_localiser(settings).localise
    if localise.backend != "masks":
        for name in ("model", "mask_model"):
            model = getattr(localise, name)
            if model is not None:
                require_model(f"{key}.localise.{name}", model)


def plan_photos(settings: ImagesSettings, context: PlanContext) -> ShardPlan:
    """Return the shards of photos, with a digest of each one's files."""
    photos, split = settings.photos, settings.dataset_split
    ignored = settings.ignore_folders
    total = count_photos(
        photos, dataset_split=split, num_photos=settings.num_photos, ignore_folders=ignored
    )
    if not is_hub_id(photos) and not is_saved_dataset(Path(photos)):
        names = [file.name for file in list_folder(Path(photos), ignored)]
        folders = {name: getattr(settings, name) for name in ("depth", "intrinsics", "masks")}
        key = f"sources.{context.source}"
        refuse_photos_as_sidecars(key, Path(photos), names, folders)
        require_sidecars(key, photo_stems(names)[:total], folders)
    size = photos_per_shard(total, settings.photos_per_shard)
    shards = assign_shards(total, size)
    digests = photo_shard_digests(
        photos,
        dataset_split=split,
        num_photos=total,
        photos_per_shard=size,
        ignore_folders=ignored,
    )
    return ShardPlan(shards, dict(zip(shards, digests, strict=True)))


SOURCE = Source(
    settings=ImagesSettings,
    scene_kind="photo",
    record=Photo,
    plan=plan_photos,
    description="photographs, with depth and objects estimated or given by their owner",
    license_note="the photographs keep the licenses of their owners, and the estimators that "
    "measured them may limit use (see the settings)",
    stages=("scenes", "views", "depth", "pointclouds", "vqa"),
    depth_kind=sensor_depth,
    answers_from="measured",
    has_truth=False,
    keeps_given_depth=True,
    resolve=resolve_photos,
    check=check_photos,
)
