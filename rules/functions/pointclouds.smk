"""Input functions and flags of the rules in pointclouds.smk."""


def ply_folders():
    """Return the PLY folders, if the configuration asks for them."""
    wanted = config["pointclouds"]["export_ply"]
    return per_shard("results/pointclouds/{source}/{shard}") if wanted else []


def depth_kind(wildcards):
    """Return how far the depth that later stages read may be wrong: exact, sensor, estimate."""
    kind = config["pointclouds"]["depth_kind"]
    if kind != "auto":
        return kind
    if is_estimated(wildcards.source):
        return "estimate"
    return SOURCES[wildcards.source].depth_kind
