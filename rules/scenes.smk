# House JSON, checked, dealt to splits by a hash of the house.


rule sample_scenes:
    input:
        script="workflow_scripts/scenes/shard.py",
        modules=modules_of("scenes/generator"),
        houses=houses_file,
    output:
        scenes="results/scenes/{source}/{shard}.jsonl",
        picture=report(
            "results/scenes/{source}/{shard}.png",
            category="scenes",
            labels={"source": "{source}", "shard": "{shard}"},
        ),
    log:
        "logs/scenes/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/scenes/{source}/{shard}.tsv"
    wildcard_constraints:
        source="procthor",
    conda:
        "../envs/scenes.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        houses=lookup("sources/{source}/houses", within=config),
        start=shard_start,
        stop=shard_stop,
        digest=shard_digest,
        seed=config["seed"],
        splits=[config["splits"][split] for split in SPLITS],
    message:
        "Sample the houses of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.scenes.shard"
        " --source {wildcards.source} --houses {params.houses:q}"
        " --start {params.start} --stop {params.stop}"
        " --seed {params.seed} --splits {params.splits}"
        " --out {output.scenes} --picture {output.picture} > {log} 2>&1"


rule plan_episodes:
    input:
        script="workflow_scripts/scenes/episodes.py",
        dataset=recorded_episodes,
    output:
        scenes="results/scenes/{source}/{shard}.jsonl",
        picture=report(
            "results/scenes/{source}/{shard}.png",
            category="scenes",
            labels={"source": "{source}", "shard": "{shard}"},
        ),
    log:
        "logs/scenes/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/scenes/{source}/{shard}.tsv"
    wildcard_constraints:
        source="rlbench",
    conda:
        "../envs/scenes.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=episode_flags("tasks", "episodes_per_task", "variations"),
        start=shard_start,
        stop=shard_stop,
        digest=shard_digest,
        seed=config["seed"],
        splits=[config["splits"][split] for split in SPLITS],
    message:
        "Plan the episodes of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.scenes.episodes"
        " --source {wildcards.source} {params.settings}"
        " --start {params.start} --stop {params.stop}"
        " --seed {params.seed} --splits {params.splits}"
        " --out {output.scenes} --picture {output.picture} > {log} 2>&1"
