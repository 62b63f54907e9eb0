"""Input functions and flags of the rules in captions.smk."""

from workflow_scripts.captions.estimate_cost import estimate, estimate_requests


def caption_flags():
    """Return the flags that say who writes captions and how; a server's only if one is asked.

    Neither the number of calls at once nor the spend cap is among them: changing those is no
    reason to write captions again, so the rules pass them outside params.
    """
    settings = config["captions"]
    names = ["backend", "max_failed_share"]
    if settings["overrides"] is not None:
        names.append("overrides")
    if settings["backend"] == "openai":
        names += ["model", "base_url", "prompts", "cache", "max_image_px", "max_tokens"]
        names += ["temperature", "reply_format", "max_attempts"]
        names += ["input_usd_per_million", "output_usd_per_million"]
    words = [f"--seed {config['seed']}", "--kinds", *settings["kinds"]]
    return " ".join([*words, as_flags(settings, names, with_null=True)])


def caption_prompts(*kinds):
    """Return the prompt files of kinds of captions if a server is asked."""
    if config["captions"]["backend"] != "openai":
        return []
    return [f"{config['captions']['prompts']}/{kind}.txt" for kind in kinds]


def caption_calls():
    """Return how many calls to a caption server one job makes at once."""
    settings = config["captions"]
    return settings["concurrency"] if settings["backend"] == "openai" else 0


def caption_estimate():
    """Say for the dry run what asking a server for all captions may take."""
    settings = config["captions"]
    if settings["backend"] != "openai":
        return ""
    found = as_workflow_error(
        estimate,
        estimate_requests(
            sum(
                shard.stop - shard.start
                for source in sources_with_stage("captions")
                for shard in SHARDS[source].values()
            ),
            tuple(settings["kinds"]),
        ),
        model=settings["model"],
        max_image_px=settings["max_image_px"],
        prompts=Path(settings["prompts"]),
        input_usd_per_million=settings["input_usd_per_million"],
        output_usd_per_million=settings["output_usd_per_million"],
    )
    return f" (whole workflow: {found}; cap {settings['max_cost_usd']} USD)"


def caption_budget():
    """Return the spend cap as text: a resource, so that raising it runs nothing again."""
    return str(config["captions"]["max_cost_usd"])
