"""The scenes of a shard, as stage scenes wrote them."""

from pathlib import Path
from typing import TypeVar

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Scene
from workflow_scripts.common.storage import read_records

SceneModel = TypeVar("SceneModel", bound=Scene)


def read_scenes(path: Path, model: type[SceneModel]) -> list[SceneModel]:
    """Read the scenes of a shard; `UserError` if there is none."""
    records = read_records(path, model)
    if not records:
        raise UserError(f"{path} has no scene; run the rule that wrote it again")
    return records
