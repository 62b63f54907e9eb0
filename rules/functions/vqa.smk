"""Input functions and params of the rules in vqa.smk."""

from workflow_scripts.config.evaluate import BootstrapSettings
from workflow_scripts.config.vqa import (
    CardSettings,
    ClaritySettings,
    GallerySettings,
    PushSettings,
    QuestionSettings,
    ReasoningSettings,
)
from workflow_scripts.sources.planning import views_per_scene
from workflow_scripts.vqa.paraphrase.estimate import estimate as estimate_paraphrases


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


def card_contents():
    """Return as JSON the settings that the questions depend on, for the card to list."""
    questions = {
        key: value
        for key, value in config["vqa"].items()
        if key not in ("exports", "hub", "gallery_pictures")
    }
    settings = {
        "seed": config["seed"],
        "splits": config["splits"],
        "sources": {
            name: config["sources"][name] for name in sources_with_stage("vqa")
        },
        "depth": config["depth"],
        "vqa": questions,
    }
    if sources_with_scenes("house"):
        # Photos are not rendered: their views have settings of their own.
        settings["views"] = config["views"]
    if any(map(uses_measurements, sources_with_stage("vqa"))):
        settings["pointclouds"] = config["pointclouds"]
    return json.dumps(settings, sort_keys=True)


def uses_measurements(source):
    """Say whether questions about a source are answered by measurement, not by ground truth."""
    evidence = config["vqa"]["evidence"]
    return evidence == "measured" or (
        evidence == "auto" and SOURCES[source].answers_from == "measured"
    )


def measurement_tables(wildcards):
    """Return what was measured in a shard's clouds, if its questions are about that."""
    names = (
        ("gravity", "measured", "gaps") if uses_measurements(wildcards.source) else ()
    )
    shard = f"results/pointclouds/{wildcards.source}/{wildcards.shard}"
    return [f"{shard}.{name}.parquet" for name in names]


def per_measured_shard(pattern):
    """Fill a path for every shard whose questions are answered by measurement."""
    return [
        path
        for source in filter(uses_measurements, sources_with_stage("vqa"))
        for path in per_shard(pattern, stage="vqa", source=source)
    ]


def photo_drop_tables():
    """Return the tables of the photos that each step dropped, if there are photos."""
    return per_shard("results/views/{source}/{shard}.dropped.jsonl", scene_kind="photo")


def clouds_flag(wildcards):
    """Return the flag with the clouds whose measurements questions are about, if they are."""
    if not uses_measurements(wildcards.source):
        return ""
    return f"--clouds results/pointclouds/{wildcards.source}/{wildcards.shard}.zarr"


def question_shards():
    """Return the shards of questions that are merged: paraphrased ones, if that is on."""
    if config["vqa"]["paraphrase"]:
        return per_shard("results/vqa/{source}/{shard}.paraphrased.jsonl")
    return per_shard("results/vqa/{source}/{shard}.jsonl")


def paraphrase_setting(name, without):
    """Return a setting of paraphrases, or `without` where they are off."""
    settings = config["vqa"]["paraphrase"]
    return settings[name] if settings else without


def paraphrase_prompt():
    """Return the prompt file of paraphrases, if they are on."""
    return paraphrase_setting("prompt", [])


def paraphrase_flags():
    """Return the flags that say which model puts which questions in other words.

    Neither the number of calls at once nor the spend cap is among them: changing those is no
    reason to ask again, so the rule passes them outside params.
    """
    settings = config["vqa"]["paraphrase"]
    if not settings:
        return ""
    names = [
        "splits",
        "share",
        "prompt",
        "max_failed_share",
        "model",
        "base_url",
        "cache",
    ]
    names += ["max_tokens", "temperature", "reply_format", "max_attempts"]
    names += ["input_usd_per_million", "output_usd_per_million"]
    return f"--seed {config['seed']} {as_flags(settings, names, with_null=True)}"


def paraphrase_estimate():
    """Return for the dry run what paraphrases cost at most, each question asked once."""
    settings = config["vqa"]["paraphrase"]
    if not settings:
        return ""
    views = sum(
        (shard.stop - shard.start) * views_per_scene(config, source)
        for source in sources_with_stage("vqa")
        for shard in SHARDS[source].values()
    )
    share = settings["share"] * sum(config["splits"][one] for one in settings["splits"])
    per_view = config["vqa"]["questions_per_view"] + config["vqa"]["questions_per_pair"]
    found = as_workflow_error(
        estimate_paraphrases,
        round(views * share * per_view),
        model=settings["model"],
        prompt=Path(settings["prompt"]),
        input_usd_per_million=settings["input_usd_per_million"],
        output_usd_per_million=settings["output_usd_per_million"],
    )
    return f" (whole workflow, at most: {found}; cap {settings['max_cost_usd']} USD)"


def depth_labels(wildcards):
    """Return what the audit calls labels measured in the depth that the workflow uses."""
    return "estimate" if is_estimated(wildcards.source) else "clouds"


def per_auditable_shard(pattern):
    """Fill a path for every shard whose source knows the truth: a simulator's."""
    return [
        path
        for source in sources_with_stage(pattern.split("/")[1])
        if SOURCES[source].has_truth
        for path in per_shard(pattern, source=source)
    ]


def audit_tables(wildcards):
    """Return what was measured in a shard: in its own depth, and in depth with noise added."""
    return [
        f"results/pointclouds/{wildcards.source}/{wildcards.shard}.{kind}{name}.parquet"
        for kind in ("", "sensor_noise.")
        for name in ("gravity", "measured", "gaps")
    ]
