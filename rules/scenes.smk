include: "functions/scenes.smk"


PHOTO_STEP_KEYS = {
    "hash": ("photos", "column", "dataset_split", "min_side_px", "max_pixels"),
    "group": ("near_duplicate_bits",),
    "read": (
        *("photos", "column", "dataset_split", "width_px", "height_px"),
        *("default_fov_deg", "depth", "depth_unit_m", "intrinsics"),
    ),
    "filter": ("filter",),
    "localise": ("masks", "localise"),
}


# House JSON, checked, dealt to splits by a hash of the house.
rule sample_scenes:
    input:
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
        source=name_pattern(sources_with_scenes("house")),
    conda:
        "../envs/scenes.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("workflow_scripts.scenes.sample_scenes"),
        houses=lookup("sources/{source}/houses", within=config),
        start=shard_start,
        stop=shard_stop,
        digest=shard_digest,
        seed=config["seed"],
        splits=[config["splits"][split] for split in SPLITS],
    message:
        "Sample the houses of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.scenes.sample_scenes"
        " --source {wildcards.source} --houses {params.houses:q}"
        " --start {params.start} --stop {params.stop}"
        " --seed {params.seed} --splits {params.splits}"
        " --out {output.scenes} --picture {output.picture} > {log} 2>&1"


rule plan_episodes:
    input:
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
        source=name_pattern(sources_with_scenes("episode")),
    conda:
        "../envs/scenes.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("workflow_scripts.scenes.plan_episodes"),
        settings=episode_flags("tasks", "episodes_per_task", "variations"),
        start=shard_start,
        stop=shard_stop,
        digest=shard_digest,
        seed=config["seed"],
        splits=[config["splits"][split] for split in SPLITS],
    message:
        "Plan the episodes of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.scenes.plan_episodes"
        " --source {wildcards.source} {params.settings}"
        " --start {params.start} --stop {params.stop}"
        " --seed {params.seed} --splits {params.splits}"
        " --out {output.scenes} --picture {output.picture} > {log} 2>&1"


rule hash_photos:
    output:
        hashes="results/scenes/{source}/{shard}.hashes.parquet",
        picture=report(
            "results/scenes/{source}/{shard}.png",
            category="scenes",
            labels={"source": "{source}", "shard": "{shard}"},
        ),
    log:
        "logs/scenes/hash_photos/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/scenes/hash_photos/{source}/{shard}.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("photo")),
    conda:
        "../envs/images.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.scenes.images.hash_photos"),
        flags=photo_flags("hash"),
        start=shard_start,
        stop=shard_stop,
        digest=shard_digest,
    message:
        "Look at the photos of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.scenes.images.hash_photos {params.flags}"
        " --start {params.start} --stop {params.stop}"
        " --out {output.hashes} --picture {output.picture} > {log} 2>&1"


rule group_photos:
    input:
        hashes=per_shard_of_source("results/scenes/{source}/{shard}.hashes.parquet"),
    output:
        groups="results/scenes/{source}/groups.parquet",
    log:
        "logs/scenes/group_photos/{source}.log",
    benchmark:
        "results/benchmarks/scenes/group_photos/{source}.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("photo")),
    conda:
        "../envs/images.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.scenes.images.group_photos"),
        flags=photo_flags("group"),
        splits=[config["splits"][split] for split in SPLITS],
    message:
        "Deal the photos of {wildcards.source} to splits, near-duplicates together"
    shell:
        "python -m workflow_scripts.scenes.images.group_photos --hashes {input.hashes}"
        " {params.flags} --splits {params.splits} --out {output.groups} > {log} 2>&1"


rule assign_photo_shards:
    input:
        hashes="results/scenes/{source}/{shard}.hashes.parquet",
        groups="results/scenes/{source}/groups.parquet",
    output:
        scenes="results/scenes/{source}/{shard}.jsonl",
    log:
        "logs/scenes/assign_photo_shards/{source}/{shard}.log",
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("photo")),
    localrule: True
    conda:
        "../envs/images.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code_of("workflow_scripts.scenes.images.assign_photo_shards"),
    message:
        "List the photos of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.scenes.images.assign_photo_shards --source {wildcards.source}"
        " --hashes {input.hashes} --groups {input.groups} --out {output.scenes} > {log} 2>&1"
