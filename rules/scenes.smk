from workflow_scripts.sources.images import PhotoGroupSettings, PhotoHashSettings


# Scenes that one function of their source makes: houses, and episodes before they are recorded.
rule sample_scenes:
    input:
        files=user_files,
    output:
        scenes="results/scenes/{source}/{shard}.jsonl",
        picture=report(
            "results/scenes/{source}/{shard}.png",
            category="scenes",
            labels={"source": "{source}", "shard": "{shard}"},
        ),
    log:
        "logs/scenes/sample_scenes/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/scenes/sample_scenes/{source}/{shard}.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_sampler()),
    # What is rendered first waits for these short jobs.
    priority: 4
    conda:
        "../envs/scenes.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=sampler_code,
        kind=lambda wildcards: SOURCES[wildcards.source].scene_kind,
        sampler=lambda wildcards: SOURCES[wildcards.source].sample,
        settings=sampler_settings,
        start=shard_start,
        stop=shard_stop,
        digest=shard_digest,
        seed=config["seed"],
        splits=[config["splits"][split] for split in SPLITS],
    message:
        "Make the scenes of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.scenes.sample_scenes"
        " --source {wildcards.source} --scene-kind {params.kind} --sampler {params.sampler}"
        " --settings {params.settings:q} --start {params.start} --stop {params.stop}"
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
        settings=source_settings(PhotoHashSettings),
        start=shard_start,
        stop=shard_stop,
        digest=shard_digest,
    message:
        "Hash the photos of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.scenes.images.hash_photos"
        " --settings {params.settings:q} --start {params.start} --stop {params.stop}"
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
        settings=source_settings(PhotoGroupSettings),
        splits=[config["splits"][split] for split in SPLITS],
    message:
        "Assign the photos of {wildcards.source} to splits, near-duplicates together"
    shell:
        "python -m workflow_scripts.scenes.images.group_photos --hashes {input.hashes}"
        " --settings {params.settings:q} --splits {params.splits} --out {output.groups} > {log} 2>&1"


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
