"""Captions written by hand, which win over every backend."""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from workflow_scripts.captions.requests import CaptionRequest
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Record
from workflow_scripts.common.text_files import read_text

Key = tuple[str, ...]


class Override(Record):
    """One line of the overrides file: an asset's caption, or a room's.

    Either `asset_id`, or `scene_id`, `room_id` and `kind`. `source` narrows it to one source.
    """

    text: str = Field(min_length=1)
    source: str = ""
    asset_id: str = ""
    scene_id: str = ""
    room_id: str = ""
    kind: Literal["room", "top_down", "asset"] | None = None

    @model_validator(mode="after")
    def _check_target(self) -> "Override":
        is_asset = bool(self.asset_id)
        if is_asset == bool(self.scene_id):
            raise ValueError("give either asset_id, or scene_id with room_id and kind")
        if is_asset and self.kind not in (None, "asset"):
            raise ValueError(f"kind {self.kind!r} does not go with asset_id")
        if not is_asset and (self.kind in (None, "asset") or not self.room_id):
            raise ValueError("scene_id needs room_id, and kind 'room' or 'top_down'")
        return self

    @property
    def key(self) -> Key:
        if self.asset_id:
            return ("asset", self.source, self.asset_id)
        return (str(self.kind), self.source, self.scene_id, self.room_id)


class Overrides:
    """The overrides of a file, by what they are for."""

    def __init__(self, path: str | Path | None) -> None:
        self.texts: dict[Key, str] = {}
        self.used: set[Key] = set()
        if path is None:
            return
        path = Path(path)
        if not path.is_file():
            raise UserError(f"{path}: no such file of caption overrides (captions.overrides)")
        for line_number, line in enumerate(read_text(path).split("\n"), start=1):
            if not line.strip():
                continue
            try:
                override = Override.model_validate_json(line)
            except ValidationError as error:
                problems = "; ".join(
                    ".".join([*map(str, problem["loc"])] or ["line"]) + f": {problem['msg']}"
                    for problem in error.errors()
                )
                raise UserError(
                    f"{path}, line {line_number}: not an override: {problems}"
                ) from None
            if override.key in self.texts:
                raise UserError(
                    f"{path}, line {line_number}: a second override for "
                    f"{' '.join(filter(None, override.key))!r}; remove one"
                )
            self.texts[override.key] = override.text

    def find(self, request: CaptionRequest) -> str | None:
        """Return the override of a request, if there is one."""
        if request.asset is not None:
            ids: tuple[str, ...] = (request.asset.asset_id,)
        else:
            ids = (request.scene_id, request.room_id)
        for source in (request.source, ""):
            key = (request.kind, source, *ids)
            if key in self.texts:
                self.used.add(key)
                return self.texts[key]
        return None

    def unused_assets(self) -> list[str]:
        """Return the assets that have an override but no request."""
        return sorted(key[-1] for key in self.texts.keys() - self.used if key[0] == "asset")
