"""Settings of stage train that belong to no single experiment."""

from typing import Literal

from pydantic import Field

from workflow_scripts.config.base import Settings, UniqueList
from workflow_scripts.config.views import ViewsSettings


class TinyBaseSettings(Settings):
    """Pre-training of the tiny embedded base."""

    patch_steps: int = Field(
        3400, ge=1, description="optimizer steps of the vision tower, which learns to name patches"
    )
    patch_batch_size: int = Field(16, ge=1, description="pictures in a step of the vision tower")
    steps: int = Field(
        1200, ge=1, description="optimizer steps of the language model, which learns questions"
    )
    max_images: int = Field(
        8000,
        ge=1,
        description="pictures that it learns from, which are held in memory (180 kB each); of more "
        "there are, that many are taken at even steps",
    )
    batch_size: int = Field(
        64, ge=1, description="questions in a step, 8 of them about one picture"
    )
    named_fraction: float = Field(
        0.7, ge=0, le=1, description="fraction of questions that name objects instead of marks"
    )
    list_fraction: float = Field(
        0.4,
        ge=0,
        le=1,
        description="fraction of steps whose pictures also have a list of the names and centers of "
        "their objects behind the questions, as experiments of kind reconstruction write it",
    )


class PretrainingViewsSettings(ViewsSettings):
    """Many small views in little time."""

    backend: Literal["pathtrace"] = Field("pathtrace", description="the embedded simulator alone")
    preset: Literal["draft", "default", "high", "reference", "shared"] = Field(
        "draft", description="as in section `views`"
    )
    width_px: int = Field(128, ge=16, le=4096, description="image width")
    height_px: int = Field(128, ge=16, le=4096, description="image height")
    min_pixels: int = Field(
        15, ge=1, description="an object with fewer pixels does not count as visible"
    )


class PretrainingInputSettings(Settings):
    """Which views the pre-training of the tiny base sees: those of its own houses, and others."""

    num_houses: int = Field(
        150,
        ge=0,
        le=100_000,
        description="houses generated for pre-training only",
    )
    houses_per_shard: int = Field(50, ge=1, le=10_000, description="houses in one job")
    sources: UniqueList[str] | None = Field(
        None,
        description="sources whose training split it learns from, too, and therefore waits for; "
        "null: all whose objects have names",
    )
    views: PretrainingViewsSettings = Field(
        PretrainingViewsSettings(), description="views of these houses, small and fast to render"
    )


class TinySettings(TinyBaseSettings, PretrainingInputSettings):
    """The tiny embedded base: its pre-training and the houses for it."""


class TrainSettings(Settings):
    """Experiments; the root model adds `experiments`, whose kinds are registered elsewhere."""

    tiny: TinySettings = Field(TinySettings(), description="pre-training of the tiny embedded base")
