from workflow_scripts.captions import rule_params as caption_params
from workflow_scripts.common.shards import count_scenes

CAPTION_COST = as_workflow_error(
    caption_params.cost_message,
    config["captions"],
    sum(count_scenes(SHARDS[source]) for source in sources_with_stage("captions")),
)
ROOM_FILES = caption_params.user_files(config["captions"], "room", "top_down")
ASSET_FILES = caption_params.user_files(config["captions"], "asset")
CAPTION_LIMITS = caption_params.limit_flags(config["captions"])


# Calls to a caption server are capped over all jobs, on any machine, with
# `--resources openai_calls=8` (or the profile's `resources`).
rule caption_shard:
    input:
        files=listed(ROOM_FILES),
        views="results/views/{source}/{shard}.zarr",
    output:
        captions="results/captions/{source}/{shard}.jsonl",
        picture="results/captions/{source}/{shard}.png",
    log:
        "logs/captions/caption_shard/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/captions/caption_shard/{source}/{shard}.tsv"
    retries: 2
    conda:
        "../envs/captions.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
        openai_calls=caption_params.openai_calls(config["captions"]),
        max_cost_usd=str(config["captions"]["max_cost_usd"]),
    params:
        code=code_of(
            "workflow_scripts.captions.caption_shard",
            backends=[
                f"workflow_scripts.captions.backends.{config['captions']['backend']}"
            ],
        ),
        settings=caption_params.settings_json(config["captions"]),
        files=unlisted_digest(ROOM_FILES),
        seed=config["seed"],
    message:
        "Caption the rooms of {wildcards.source} {wildcards.shard}{CAPTION_COST}"
    shell:
        "python -m workflow_scripts.captions.caption_shard --views {input.views}"
        " --out {output.captions} --picture {output.picture} --seed {params.seed}"
        f" --settings {{params.settings:q}}{CAPTION_LIMITS} > {{log}} 2>&1"


rule caption_assets:
    input:
        files=listed(ASSET_FILES),
        views=per_shard_of_source("results/views/{source}/{shard}.zarr"),
    output:
        captions="results/captions/{source}/assets.jsonl",
        picture="results/captions/{source}/assets.png",
    log:
        "logs/captions/caption_assets/{source}.log",
    benchmark:
        "results/benchmarks/captions/caption_assets/{source}.tsv"
    retries: 2
    conda:
        "../envs/captions.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
        openai_calls=caption_params.openai_calls(config["captions"]),
        max_cost_usd=str(config["captions"]["max_cost_usd"]),
    params:
        code=code_of(
            "workflow_scripts.captions.caption_assets",
            backends=[
                f"workflow_scripts.captions.backends.{config['captions']['backend']}"
            ],
        ),
        settings=caption_params.settings_json(config["captions"]),
        files=unlisted_digest(ASSET_FILES),
        seed=config["seed"],
    message:
        "Caption the assets of {wildcards.source}{CAPTION_COST}"
    shell:
        "python -m workflow_scripts.captions.caption_assets --views {input.views}"
        " --source {wildcards.source} --out {output.captions} --picture {output.picture}"
        " --seed {params.seed}"
        f" --settings {{params.settings:q}}{CAPTION_LIMITS} > {{log}} 2>&1"
