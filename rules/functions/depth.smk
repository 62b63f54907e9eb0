"""Input functions and flags of the rules in depth.smk."""


def keep_photo_depth_flag(wildcards):
    """Return the flag that keeps the depth maps that came with photos."""
    return "--keep-original" if SOURCES[wildcards.source].keeps_given_depth else ""
