"""Input functions and flags of the rules in vqa.smk."""


def exports():
    """Return the files of the forms in which questions are exported."""
    patterns = {
        "messages": ["results/vqa/dataset/README.md", "results/vqa/dataset/{split}"],
        "sharegpt": ["results/vqa/{split}.sharegpt.json"],
        "regions": ["results/vqa/{split}.regions.json"],
    }
    return [
        path
        for form in config["vqa"]["exports"]
        for pattern in patterns[form]
        for path in dict.fromkeys(pattern.format(split=split) for split in SPLITS)
    ]


def card_settings():
    """Return as JSON the settings that the questions depend on, for the card."""
    questions = {
        key: value
        for key, value in config["vqa"].items()
        if key not in ("exports", "hub", "gallery_pictures")
    }
    settings = {
        "seed": config["seed"],
        "splits": config["splits"],
        "sources": {name: config["sources"][name] for name in sources_of("vqa")},
        "depth": config["depth"],
        "vqa": questions,
    }
    if "procthor" in SHARDS:
        # Photos are not rendered: their views have settings of their own.
        settings["views"] = config["views"]
    if any(map(asks_measured, sources_of("vqa"))):
        settings["pointclouds"] = config["pointclouds"]
    return json.dumps(settings, sort_keys=True)


def asks_measured(source):
    """Say whether questions about a source are answered by measurement, not by ground truth."""
    evidence = config["vqa"]["evidence"]
    return evidence == "measured" or (evidence == "auto" and source == "images")


def measured_tables(wildcards):
    """Return what was measured in a shard's clouds, if its questions are about that."""
    names = ("gravity", "measured", "gaps") if asks_measured(wildcards.source) else ()
    shard = f"results/pointclouds/{wildcards.source}/{wildcards.shard}"
    return [f"{shard}.{name}.parquet" for name in names]


def shards_measured(pattern):
    """Fill a path for every shard that is asked about by measurement."""
    return [
        path
        for source in filter(asks_measured, sources_of("vqa"))
        for path in per_shard(pattern, stage="vqa", source=source)
    ]


def photo_losses():
    """Return the tables of what every step lost of photos, if there are photos."""
    return per_shard("results/views/{source}/{shard}.dropped.jsonl", source="images")


def measured_flag(wildcards):
    """Return the flag that says where the measured tables lie, if they are asked about."""
    if not asks_measured(wildcards.source):
        return ""
    return f"--clouds results/pointclouds/{wildcards.source}/{wildcards.shard}.zarr"


def question_flags():
    """Return the flags that say what is asked, how often and in which words."""
    settings = config["vqa"]
    names = [
        "forms",
        "questions_per_view",
        "questions_per_pair",
        "min_pixels",
        "min_fraction_visible",
    ]
    names += ["margin_m", "margin_ratio", "margin_picture", "margin_deg"]
    names += ["margin_sigmas", "answer_style", "units", "num_phrasings", "families"]
    words = [as_flags(settings, names)]
    if settings["weights"]:
        pairs = [f"{name}={number}" for name, number in settings["weights"].items()]
        words.append(f"--weights {' '.join(pairs)}")
    if not settings["multiple_choice"]:
        words.append("--no-multiple-choice")
    return " ".join(words)


def depth_labels(wildcards):
    """Return what the audit calls labels measured in the depth that the workflow uses."""
    return "estimate" if is_estimated(wildcards.source) else "clouds"


def audited(pattern):
    """Fill a path for every shard whose source knows the truth: a simulator's."""
    return [path for path in per_shard(pattern) if "/images/" not in path]


def audit_flags():
    """Return the flags that say which facts are clear enough to be asked."""
    names = ["min_pixels", "min_fraction_visible", "margin_m", "margin_ratio"]
    names += ["margin_picture", "margin_deg", "margin_sigmas"]
    return as_flags(config["vqa"], names)


def audited_tables(wildcards):
    """Return what was measured in a shard: in its own depth, and in depth with noise added."""
    return [
        f"results/pointclouds/{wildcards.source}/{wildcards.shard}.{kind}{name}.parquet"
        for kind in ("", "disturbed.")
        for name in ("gravity", "measured", "gaps")
    ]
