"""The record of source `scans`: what a line of its scenes says."""

from pydantic import Field

from workflow_scripts.common.records import Scene


class ScanScene(Scene):
    """A scene of source scans: a house to walk through, or a scan to read from files."""

    scan_of_house: int = Field(
        default=0, description="of a simulated scan: its number among those of its house, from 0"
    )
    first_scan: str = Field(
        default="", description="of a simulated scan: scene_id of the first one of its house"
    )
    format: str = Field(description="simulated, or the layout of its files")
    name: str = Field(default="", description="the scan's id in its files")
    path: str = Field(default="", description="folder or file of the scan")
