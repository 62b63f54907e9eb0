from workflow_scripts.config.pointclouds import FusionSettings, MeasurementSettings
from workflow_scripts.pointclouds.depth_error import resolve_depth_kind
from workflow_scripts.sources.planning import depth_kind


include: "functions/pointclouds.smk"


PLY_FOLDERS = (
    per_shard("results/pointclouds/{source}/{shard}")
    if config["pointclouds"]["export_ply"]
    else []
)


rule fuse_shard:
    input:
        views="results/views/{source}/{shard}.zarr",
        rows="results/views/{source}/{shard}.views.parquet",
        objects="results/views/{source}/{shard}.objects.parquet",
        depth=depth_group,
    output:
        clouds=directory("results/pointclouds/{source}/{shard}.zarr"),
        boxes="results/pointclouds/{source}/{shard}.boxes.parquet",
        picture="results/pointclouds/{source}/{shard}.png",
    log:
        "logs/pointclouds/fuse_shard/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/pointclouds/fuse_shard/{source}/{shard}.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.pointclouds.fuse_shard"),
        settings=section_json(config["pointclouds"], FusionSettings),
        seed=config["seed"],
    message:
        "Fuse the views of {wildcards.source} shard {wildcards.shard} into clouds"
    shell:
        "python -m workflow_scripts.pointclouds.fuse_shard --views {input.views}"
        " --depth {input.depth} --out {output.clouds} --settings {params.settings:q}"
        " --seed {params.seed} > {log} 2>&1"


rule export_ply:
    input:
        clouds="results/pointclouds/{source}/{shard}.zarr",
    output:
        folder=directory("results/pointclouds/{source}/{shard}"),
    log:
        "logs/pointclouds/export_ply/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/pointclouds/export_ply/{source}/{shard}.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        code=code_of("workflow_scripts.pointclouds.export_ply"),
    message:
        "Export the clouds of {wildcards.source} shard {wildcards.shard} to PLY"
    shell:
        "python -m workflow_scripts.pointclouds.export_ply --clouds {input.clouds}"
        " --out {output.folder} > {log} 2>&1"


# Recordings for the Rerun viewer: frames, depth, cloud, boxes, camera path.
rule export_rrd:
    input:
        views="results/views/{source}/{shard}.zarr",
        rows="results/views/{source}/{shard}.views.parquet",
        objects="results/views/{source}/{shard}.objects.parquet",
        visibility_rows="results/views/{source}/{shard}.visibility.parquet",
        depth=depth_group,
        clouds="results/pointclouds/{source}/{shard}.zarr",
        chosen_frames=chosen_frames,
    output:
        folder=directory("results/pointclouds/{source}/{shard}.rerun"),
    log:
        "logs/pointclouds/export_rrd/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/pointclouds/export_rrd/{source}/{shard}.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.pointclouds.export_rrd"),
        chosen_frames=lambda wildcards, input: (
            f"--frames {input.chosen_frames}" if input.chosen_frames else ""
        ),
    message:
        "Export {wildcards.source} shard {wildcards.shard} for the Rerun viewer"
    shell:
        "python -m workflow_scripts.pointclouds.export_rrd --views {input.views}"
        " --depth {input.depth} --clouds {input.clouds} {params.chosen_frames} --out {output.folder} > {log} 2>&1"


rule cloud_statistics:
    input:
        clouds=per_shard_of_source("results/pointclouds/{source}/{shard}.zarr"),
        boxes=per_shard_of_source("results/pointclouds/{source}/{shard}.boxes.parquet"),
    output:
        statistics="results/pointclouds/{source}/statistics.json",
    log:
        "logs/pointclouds/cloud_statistics/{source}.log",
    benchmark:
        "results/benchmarks/pointclouds/cloud_statistics/{source}.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 2
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.pointclouds.cloud_statistics"),
    message:
        "Compute statistics of all clouds of {wildcards.source}"
    shell:
        "python -m workflow_scripts.pointclouds.cloud_statistics --clouds {input.clouds}"
        " --out {output.statistics} --threads {threads} > {log} 2>&1"


rule measure_objects:
    input:
        views="results/views/{source}/{shard}.zarr",
        rows="results/views/{source}/{shard}.views.parquet",
        objects="results/views/{source}/{shard}.objects.parquet",
        depth=depth_group,
    output:
        gravity="results/pointclouds/{source}/{shard}.gravity.parquet",
        measured="results/pointclouds/{source}/{shard}.measured.parquet",
        gaps="results/pointclouds/{source}/{shard}.gaps.parquet",
    log:
        "logs/pointclouds/measure_objects/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/pointclouds/measure_objects/{source}/{shard}.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.pointclouds.measure_objects"),
        out="results/pointclouds/{source}/{shard}",
        depth_kind=lambda wildcards: resolve_depth_kind(
            config["pointclouds"]["depth_kind"],
            is_estimated=is_estimated(wildcards.source),
            source_kind=depth_kind(config, wildcards.source),
        ),
        settings=section_json(config["pointclouds"], MeasurementSettings),
        seed=config["seed"],
    message:
        "Measure the objects in the views of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.pointclouds.measure_objects --views {input.views}"
        " --depth {input.depth} --out {params.out} --depth-kind {params.depth_kind}"
        " --settings {params.settings:q} --seed {params.seed} > {log} 2>&1"


rule measure_with_sensor_noise:
    input:
        views="results/views/{source}/{shard}.zarr",
        rows="results/views/{source}/{shard}.views.parquet",
        objects="results/views/{source}/{shard}.objects.parquet",
    output:
        gravity="results/pointclouds/{source}/{shard}.sensor_noise.gravity.parquet",
        measured="results/pointclouds/{source}/{shard}.sensor_noise.measured.parquet",
        gaps="results/pointclouds/{source}/{shard}.sensor_noise.gaps.parquet",
    log:
        "logs/pointclouds/measure_with_sensor_noise/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/pointclouds/measure_with_sensor_noise/{source}/{shard}.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.pointclouds.measure_objects"),
        out="results/pointclouds/{source}/{shard}.sensor_noise",
        seed=config["seed"],
    message:
        "Measure {wildcards.source} shard {wildcards.shard} with simulated sensor noise"
    shell:
        "python -m workflow_scripts.pointclouds.measure_objects --views {input.views}"
        " --out {params.out} --depth-kind sensor --sensor-noise --seed {params.seed}"
        " > {log} 2>&1"
