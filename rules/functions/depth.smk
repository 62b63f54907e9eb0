"""Input functions and flags of the rules in depth.smk."""


def depth_of_photos(wildcards):
    """Return the flag that keeps the depth maps that came with photos."""
    return "--keep-own" if wildcards.source == "images" else ""
