"""Settings of stage train that belong to no single experiment."""

from pydantic import Field, model_validator

from workflow_scripts.config.base import Settings, SettingsError
from workflow_scripts.config.views import PolicySettings, ViewsSettings

PRETRAINING_VIEWS = ViewsSettings(
    preset="draft",
    width_px=128,
    height_px=128,
    policies=PolicySettings(corner=2, random=2, panorama=0, top_down=0),
    min_pixels=15,
)


class TinyBaseSettings(Settings):
    """Pre-training of the tiny embedded base."""

    patch_steps: int = Field(
        2500, ge=1, description="optimizer steps of the vision tower, which learns to name patches"
    )
    patch_batch_size: int = Field(16, ge=1, description="pictures in such a step")
    steps: int = Field(
        1500, ge=1, description="optimizer steps of the language model, which learns questions"
    )
    batch_size: int = Field(
        48, ge=1, description="questions in a step, 12 of them about one picture"
    )
    named_fraction: float = Field(
        0.5, ge=0, le=1, description="fraction of questions that name objects instead of marks"
    )


class PretrainingHousesSettings(Settings):
    """The generated houses that only the pre-training of the tiny base sees."""

    num_houses: int = Field(
        200,
        ge=0,
        le=100_000,
        description="houses of their own, beside the training houses of `sources`; no experiment "
        "asks about them",
    )
    houses_per_shard: int = Field(25, ge=1, le=10_000, description="houses in one job")
    views: ViewsSettings = Field(
        PRETRAINING_VIEWS,
        description="their views: many small ones in little time; only by backend pathtrace",
    )

    @model_validator(mode="after")
    def _is_embedded(self) -> "PretrainingHousesSettings":
        if self.views.backend != "pathtrace":
            problem = f"{self.views.backend!r} is not used here; write pathtrace or leave it out"
            raise SettingsError((("views", "backend"), problem))
        return self


class TinySettings(TinyBaseSettings, PretrainingHousesSettings):
    """The tiny embedded base: its pre-training and the houses for it."""


class TrainSettings(Settings):
    """Experiments; the root model adds `experiments`, whose kinds are registered elsewhere."""

    tiny: TinySettings = Field(TinySettings(), description="pre-training of the tiny embedded base")
