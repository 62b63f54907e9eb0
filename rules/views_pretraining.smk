from workflow_scripts.common.shards import assign_shards
from workflow_scripts.config.views import ViewsSettings
from workflow_scripts.sources.procthor import HousesSettings

# Added to the seed for the houses that only the tiny base sees.
PRETRAINING_SEED_OFFSET = 1_000_000
PRETRAINING_SHARDS = assign_shards(
    config["train"]["tiny"]["num_houses"], config["train"]["tiny"]["houses_per_shard"]
)


# Houses that no experiment asks about: the seed is another one than that of the sources.
rule render_pretraining_views:
    output:
        scenes="results/views/pretraining/{shard}.jsonl",
        plan="results/views/pretraining/{shard}.plan.png",
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
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=120,
    params:
        code=code_of("workflow_scripts.views.shard", backends=[RENDERERS["pathtrace"]]),
        scenes_code=code_of(
            "workflow_scripts.scenes.sample_scenes",
            "workflow_scripts.scenes.sample_houses",
            backends=[SHEETS["house"]],
        ),
        houses=HousesSettings(houses="generate").model_dump_json(),
        settings=section_json(config["train"]["tiny"]["views"], ViewsSettings),
        start=lambda wildcards: PRETRAINING_SHARDS[wildcards.shard].start,
        stop=lambda wildcards: PRETRAINING_SHARDS[wildcards.shard].stop,
        seed=config["seed"] + PRETRAINING_SEED_OFFSET,
    message:
        "Render houses for the pre-training of the tiny base, shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.scenes.sample_scenes --source pretraining --scene-kind house"
        " --sampler workflow_scripts.scenes.sample_houses:sample_houses"
        " --settings {params.houses:q} --start {params.start} --stop {params.stop}"
        " --seed {params.seed} --splits 0.92 0.08 0 --out {output.scenes} --picture {output.plan}"
        " > {log} 2>&1"
        " && python -m workflow_scripts.views.shard --scenes {output.scenes} --out {output.views}"
        " --settings {params.settings:q} --seed {params.seed} --no-measure-surfaces"
        " >> {log} 2>&1"
