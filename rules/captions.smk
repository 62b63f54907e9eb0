include: "functions/captions.smk"


CAPTION_ESTIMATE = caption_estimate()


# Calls to a caption server are capped over all jobs, on any machine, with
# `--resources openai_calls=8` (or the profile's `resources`).
rule caption_shard:
    input:
        prompts=caption_prompts("room", "top_down"),
        overrides=config["captions"]["overrides"] or [],
        views="results/views/{source}/{shard}.zarr",
    output:
        captions="results/captions/{source}/{shard}.jsonl",
        picture="results/captions/{source}/{shard}.png",
    log:
        "logs/captions/{source}.{shard}.log",
    benchmark:
        "results/benchmarks/captions/{source}.{shard}.tsv"
    retries: 2
    conda:
        "../envs/captions.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
        openai_calls=caption_calls(),
        max_cost_usd=caption_budget(),
    params:
        code=code_of(
            "workflow_scripts.captions.caption_shard",
            backends=[
                f"workflow_scripts.captions.backends.{config['captions']['backend']}"
            ],
        ),
        flags=caption_flags(),
    message:
        "Caption the rooms of {wildcards.source} {wildcards.shard}{CAPTION_ESTIMATE}"
    shell:
        "python -m workflow_scripts.captions.caption_shard --views {input.views}"
        " --out {output.captions} --picture {output.picture} {params.flags}"
        " --concurrency {resources.openai_calls}"
        " --max-cost-usd {resources.max_cost_usd} > {log} 2>&1"


rule caption_assets:
    input:
        prompts=caption_prompts("asset"),
        overrides=config["captions"]["overrides"] or [],
        views=per_shard_of_source("results/views/{source}/{shard}.zarr"),
    output:
        captions="results/captions/{source}/assets.jsonl",
        picture="results/captions/{source}/assets.png",
    log:
        "logs/captions/{source}.assets.log",
    benchmark:
        "results/benchmarks/captions/{source}.assets.tsv"
    retries: 2
    conda:
        "../envs/captions.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
        openai_calls=caption_calls(),
        max_cost_usd=caption_budget(),
    params:
        code=code_of(
            "workflow_scripts.captions.caption_assets",
            backends=[
                f"workflow_scripts.captions.backends.{config['captions']['backend']}"
            ],
        ),
        flags=caption_flags(),
    message:
        "Caption the assets of {wildcards.source}{CAPTION_ESTIMATE}"
    shell:
        "python -m workflow_scripts.captions.caption_assets --views {input.views}"
        " --source {wildcards.source} --out {output.captions} --picture {output.picture}"
        " {params.flags} --concurrency {resources.openai_calls}"
        " --max-cost-usd {resources.max_cost_usd} > {log} 2>&1"
