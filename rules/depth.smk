from workflow_scripts.config.depth import EstimatorSettings


rule estimate_depth:
    input:
        views="results/views/{source}/{shard}.zarr",
    output:
        depth=directory("results/depth/{source}/{shard}.zarr"),
    log:
        "logs/depth/estimate_depth/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/depth/estimate_depth/{source}/{shard}.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 4
    resources:
        gpu=1,
        nodes=1,
        mem_mb=16000,
        runtime=120,
    params:
        code=code_of("workflow_scripts.depth.estimate_depth"),
        settings=section_json(config["depth"], EstimatorSettings),
        keep_original=lambda wildcards: (
            "--keep-original" if SOURCES[wildcards.source].keeps_given_depth else ""
        ),
    message:
        "Estimate the depth of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.depth.estimate_depth --views {input.views} --out {output.depth}"
        " --settings {params.settings:q} {params.keep_original} > {log} 2>&1"


rule summarise_depth:
    input:
        views="results/views/{source}/{shard}.zarr",
        rows="results/views/{source}/{shard}.views.parquet",
        depth=depth_group,
    output:
        rows="results/depth/{source}/{shard}.parquet",
        picture="results/depth/{source}/{shard}.png",
    log:
        "logs/depth/summarise_depth/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/depth/summarise_depth/{source}/{shard}.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("workflow_scripts.depth.summarise_depth"),
    message:
        "Summarize the depth of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.depth.summarise_depth --views {input.views}"
        " --depth {input.depth} --out {output.rows} --picture {output.picture}"
        " > {log} 2>&1"
