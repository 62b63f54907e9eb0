rule fuse_shard:
    input:
        script="workflow_scripts/pointclouds/shard.py",
        fuse="workflow_scripts/pointclouds/fuse.py",
        normals="workflow_scripts/pointclouds/normals.py",
        boxes="workflow_scripts/pointclouds/boxes.py",
        floor="workflow_scripts/pointclouds/floor.py",
        picture="workflow_scripts/pointclouds/picture.py",
        views="results/views/{source}/{shard}.zarr",
        rows="results/views/{source}/{shard}.views.parquet",
        objects="results/views/{source}/{shard}.objects.parquet",
        depth=depth_store,
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
        voxel_m=lookup("pointclouds/voxel_m", within=config),
        normals=branch(
            config["pointclouds"]["normals"], then="normals", otherwise="no-normals"
        ),
        seed=config["seed"],
    message:
        "Fuse the views of {wildcards.source} shard {wildcards.shard} into clouds"
    shell:
        "python -m workflow_scripts.pointclouds.shard --views {input.views}"
        " --depth {input.depth} --out {output.clouds} --voxel-m {params.voxel_m}"
        " --{params.normals} --seed {params.seed} > {log} 2>&1"


rule export_ply:
    input:
        script="workflow_scripts/pointclouds/export.py",
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
    message:
        "Export the clouds of {wildcards.source} shard {wildcards.shard} to PLY"
    shell:
        "python -m workflow_scripts.pointclouds.export --clouds {input.clouds}"
        " --out {output.folder} > {log} 2>&1"


rule cloud_statistics:
    input:
        script="workflow_scripts/pointclouds/stats.py",
        clouds=shards_of("results/pointclouds/{source}/{shard}.zarr"),
        boxes=shards_of("results/pointclouds/{source}/{shard}.boxes.parquet"),
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
    message:
        "Statistics of all clouds of {wildcards.source}"
    shell:
        "python -m workflow_scripts.pointclouds.stats --clouds {input.clouds}"
        " --out {output.statistics} --threads {threads} > {log} 2>&1"
