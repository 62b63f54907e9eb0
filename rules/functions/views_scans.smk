"""Input functions of the rules in views_scans.smk."""

from workflow_scripts.sources.scan_localise import LocaliseScansSettings
from workflow_scripts.sources.scan_settings import (
    ScanViewSettings,
    WalkRenderSettings,
    walk_picture_settings,
)


def walk_settings(wildcards):
    """Return the settings of a simulated walk and of its frames, as JSON."""
    scans = config["sources"][wildcards.source]
    pictures = walk_picture_settings(config["views"], scans)
    return section_json({**scans, **pictures}, WalkRenderSettings)


def read_settings(wildcards):
    """Return the settings of reading scans from files, as JSON."""
    values = {**config["views"], **config["sources"][wildcards.source]}
    return section_json(values, ScanViewSettings)


def localised_scans():
    """Return the sources of scans in whose frames a network finds the objects."""
    return [
        source
        for source in scan_sources(simulated=False)
        if config["sources"][source]["localise"] is not None
    ]


def found_masks(wildcards):
    """Return the masks that a network found in a shard's scans, where it is asked to."""
    if wildcards.source not in localised_scans():
        return []
    return f"results/views/{wildcards.source}/{wildcards.shard}.masks"


def scan_surface(wildcards):
    """Return the points on the surfaces of a shard's scans, where they are known."""
    if wildcards.source not in scan_sources(simulated=True):
        return []
    return f"results/views/{wildcards.source}/{wildcards.shard}.surface.parquet"
