"""Where scenes come from: one file a source, registered here by name, in the order of a run."""

from collections.abc import Mapping

from workflow_scripts.config.base import Settings
from workflow_scripts.sources.images import ImagesSettings
from workflow_scripts.sources.procthor import ProcthorSettings
from workflow_scripts.sources.rlbench import RlbenchSettings

SOURCE_SETTINGS: Mapping[str, type[Settings]] = {
    "procthor": ProcthorSettings,
    "images": ImagesSettings,
    "rlbench": RlbenchSettings,
}
