"""Input functions and flags of the rules in scenes.smk."""


def houses_file(wildcards):
    """Return the user's file of houses, if houses come from one.

    `ancient`: the digest in the rule's params decides what runs again, not the file's time.
    """
    houses = config["sources"][wildcards.source]["houses"]
    return [] if houses in ("generate", "procthor-10k") else ancient(houses)


def shard_start(wildcards):
    """Return the index of the shard's first house."""
    return SHARDS[wildcards.source][wildcards.shard].start


def shard_stop(wildcards):
    """Return the index after the shard's last house."""
    return SHARDS[wildcards.source][wildcards.shard].stop


def shard_digest(wildcards):
    """Return the digest of the shard's lines of the file of houses, '' without a file."""
    return DIGESTS[wildcards.source][wildcards.shard]


def photo_flags(step):
    """Return the settings of a step of source images as flags; '' if there is no such source.

    A step's own keys only, so that changing one runs that step again and no other before it.
    """
    names = sources_with_scenes("photo")
    if not names:
        return ""
    settings = config["sources"][names[0]]
    flags = {}
    for key in PHOTO_STEP_KEYS[step]:
        value = settings[key]
        flags.update(value if isinstance(value, dict) else {key: value})
    return as_flags(flags, flags)


def photo_setting(*keys):
    """Return one setting of source images, '' if there is no such source."""
    names = sources_with_scenes("photo")
    if not names:
        return ""
    value = config["sources"][names[0]]
    for key in keys:
        value = value[key]
    return value


def companions_digest(*keys):
    """Return a digest of the names, sizes and times in folders of companions of the photos."""
    return photo_files.folder_digests([photo_setting(key) or None for key in keys])
