"""Input functions of the rules in pointclouds.smk."""


def chosen_frames(wildcards):
    """Return the table of a shard's chosen frames, if it is one of scans."""
    if wildcards.source not in sources_with_scenes("scan"):
        return []
    return f"results/views/{wildcards.source}/{wildcards.shard}.frames.parquet"
