from workflow_scripts.common.shards import assign_shards
from workflow_scripts.config.views import ViewsSettings
from workflow_scripts.sources.procthor import HousesSettings

# Added to the seed for the houses that only the tiny base sees.
PRETRAINING_SEED_OFFSET = 1_000_000
PRETRAINING_SHARDS = assign_shards(
    config["train"]["tiny"]["num_houses"], config["train"]["tiny"]["houses_per_shard"]
)


# Houses that no experiment asks about: the seed is another one than that of the sources. Two rules,
# as for the sources: what is left of a job whose Snakemake was killed never removes the houses.
rule sample_pretraining_houses:
    output:
        scenes="results/views/pretraining/{shard}.jsonl",
        plan="results/views/pretraining/{shard}.plan.png",
    log:
        "logs/views/sample_pretraining_houses/{shard}.log",
    benchmark:
        "results/benchmarks/views/sample_pretraining_houses/{shard}.tsv"
    priority: 4
    conda:
        "../envs/scenes.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of(
            "workflow_scripts.scenes.sample_scenes",
            "workflow_scripts.scenes.sample_houses",
            backends=[SHEETS["house"]],
        ),
        houses=HousesSettings(houses="generate").model_dump_json(),
        start=lambda wildcards: PRETRAINING_SHARDS[wildcards.shard].start,
        stop=lambda wildcards: PRETRAINING_SHARDS[wildcards.shard].stop,
        seed=config["seed"] + PRETRAINING_SEED_OFFSET,
    message:
        "Make houses for the pre-training of the tiny base, shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.scenes.sample_scenes --source pretraining --scene-kind house"
        " --sampler workflow_scripts.scenes.sample_houses:sample_houses"
        " --settings {params.houses:q} --start {params.start} --stop {params.stop}"
        " --seed {params.seed} --splits 0.92 0.08 0 --out {output.scenes} --picture {output.plan}"
        " > {log} 2>&1"


rule render_pretraining_views:
    input:
        scenes="results/views/pretraining/{shard}.jsonl",
    output:
        views=directory("results/views/pretraining/{shard}.zarr"),
        view_rows="results/views/pretraining/{shard}.views.parquet",
        object_rows="results/views/pretraining/{shard}.objects.parquet",
        visibility_rows="results/views/pretraining/{shard}.visibility.parquet",
        gap_rows="results/views/pretraining/{shard}.surface_gaps.parquet",
        skipped="results/views/pretraining/{shard}.skipped.jsonl",
        credits="results/views/pretraining/{shard}.credits.csv",
        picture="results/views/pretraining/{shard}.png",
    log:
        "logs/views/render_pretraining_views/{shard}.log",
    benchmark:
        "results/benchmarks/views/render_pretraining_views/{shard}.tsv"
    # The pre-training waits for these views, and takes longer than any other job.
    priority: 2
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=120,
    params:
        code=code_of("workflow_scripts.views.shard", backends=[RENDERERS["pathtrace"]]),
        settings=section_json(config["train"]["tiny"]["views"], ViewsSettings),
        seed=config["seed"] + PRETRAINING_SEED_OFFSET,
    message:
        "Render houses for the pre-training of the tiny base, shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.views.shard --scenes {input.scenes} --out {output.views}"
        " --settings {params.settings:q} --seed {params.seed} --no-measure-surfaces > {log} 2>&1"
