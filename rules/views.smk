# Posed views of every room, with exact depth, masks and visibility.


rule render_shard:
    input:
        script="workflow_scripts/views/shard.py",
        render="workflow_scripts/views/render.py",
        policies="workflow_scripts/views/policies.py",
        visibility="workflow_scripts/views/visibility.py",
        modules=modules_of("views/backends", "views/pathtrace", "views/furniture"),
        scenes="results/scenes/{source}/{shard}.jsonl",
    output:
        views=directory("results/views/{source}/{shard}.zarr"),
        view_rows="results/views/{source}/{shard}.views.parquet",
        object_rows="results/views/{source}/{shard}.objects.parquet",
        visibility_rows="results/views/{source}/{shard}.visibility.parquet",
        skipped="results/views/{source}/{shard}.skipped.jsonl",
        credits="results/views/{source}/{shard}.credits.csv",
        picture=report(
            "results/views/{source}/{shard}.png",
            caption="report/views.rst",
            category="views",
            labels={"source": "{source}", "shard": "{shard}"},
        ),
    log:
        "logs/views/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/views/{source}/{shard}.tsv"
    wildcard_constraints:
        source="procthor",
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        gpu=int(config["views"]["backend"] == "ai2thor"),
        nodes=1,
        mem_mb=3000,
        runtime=240,
    params:
        backend=lookup("views/backend", within=config),
        preset=lookup("views/preset", within=config),
        furniture=lookup("views/furniture", within=config),
        width_px=lookup("views/width_px", within=config),
        height_px=lookup("views/height_px", within=config),
        vertical_fov_deg=lookup("views/vertical_fov_deg", within=config),
        corner=lookup("views/policies/corner", within=config),
        random=lookup("views/policies/random", within=config),
        panorama=lookup("views/policies/panorama", within=config),
        top_down=lookup("views/policies/top_down", within=config),
        min_pixels=lookup("views/min_pixels", within=config),
        seed=config["seed"],
    message:
        "Render the houses of {wildcards.source} shard {wildcards.shard} with {params.backend}"
    shell:
        "python -m workflow_scripts.views.shard"
        " --scenes {input.scenes} --out {output.views}"
        " --backend {params.backend} --preset {params.preset} --furniture {params.furniture}"
        " --width-px {params.width_px} --height-px {params.height_px}"
        " --vertical-fov-deg {params.vertical_fov_deg}"
        " --corner {params.corner} --random {params.random}"
        " --panorama {params.panorama} --top-down {params.top_down}"
        " --min-pixels {params.min_pixels} --seed {params.seed} > {log} 2>&1"


rule record_shard:
    input:
        script="workflow_scripts/views/record.py",
        recording="workflow_scripts/views/recording.py",
        keypoints="workflow_scripts/views/keypoints.py",
        modules=modules_of("views/robots"),
        backend=demonstration_backend,
        dataset=recorded_episodes,
        scenes="results/scenes/{source}/{shard}.jsonl",
    output:
        views=directory("results/views/{source}/{shard}.zarr"),
        view_rows="results/views/{source}/{shard}.views.parquet",
        object_rows="results/views/{source}/{shard}.objects.parquet",
        visibility_rows="results/views/{source}/{shard}.visibility.parquet",
        episode_rows="results/views/{source}/{shard}.episodes.parquet",
        keypoint_rows="results/views/{source}/{shard}.keypoints.parquet",
        step_rows="results/views/{source}/{shard}.steps.parquet",
        pose_rows="results/views/{source}/{shard}.poses.parquet",
        skipped="results/views/{source}/{shard}.skipped.jsonl",
        credits="results/views/{source}/{shard}.credits.csv",
        picture=report(
            "results/views/{source}/{shard}.png",
            caption="report/views.rst",
            category="views",
            labels={"source": "{source}", "shard": "{shard}"},
        ),
    log:
        "logs/views/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/views/{source}/{shard}.tsv"
    wildcard_constraints:
        source="rlbench",
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=480,
    params:
        settings=episode_flags("cameras", "size_px", "max_steps", "max_attempts"),
        digest=shard_digest,
    message:
        "Record the episodes of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.views.record"
        " --scenes {input.scenes} --out {output.views} {params.settings} > {log} 2>&1"
