"""Settings of finding the objects of scans in their frames, without files of a detector."""

from typing import Literal

from pydantic import Field, model_validator

from workflow_scripts.common.hub_names import require_model
from workflow_scripts.config.base import Settings, SettingsError
from workflow_scripts.sources.images import LocaliseSettings


class ScanLocaliseSettings(LocaliseSettings):
    """How objects are found in the frames of scans, and which of them are kept."""

    backend: Literal["florence2", "grounding_dino"] = Field(
        "florence2",
        description="a network that proposes boxes in each frame, which SAM 2 turns into masks",
    )

    @model_validator(mode="after")
    def _has_phrases(self) -> "ScanLocaliseSettings":
        if self.backend == "grounding_dino" and not self.phrases:
            problem = (
                "empty, but grounding_dino must be told what to look for, such as [box, chair]; "
                "or choose florence2"
            )
            raise SettingsError((("phrases",), problem))
        return self


class ScanProposalSettings(Settings):
    """Objects of scans from files that a network finds."""

    localise: ScanLocaliseSettings | None = Field(
        None,
        description="find objects in the frames that are read, lift their masks with depth and "
        "merge them over frames, as files of masks are; null: not",
    )


class LocaliseScansSettings(ScanProposalSettings):
    """How objects are found, and in which frames."""

    read_frames: int | None = Field(
        300, ge=1, le=100_000, description="frames of a scan at equal steps; null: every frame"
    )


def require_models(settings: ScanProposalSettings, key: str) -> None:
    """Raise `UserError` if a folder of a model is not there; `key` is that of the source."""
    if settings.localise is None:
        return
    for name in ("model", "mask_model"):
        model = getattr(settings.localise, name)
        if model is not None:
            require_model(f"{key}.localise.{name}", model)
