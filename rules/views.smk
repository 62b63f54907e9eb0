include: "functions/views.smk"


# Posed views of every room, with exact depth, masks and visibility.
rule render_shard:
    input:
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
        source=name_pattern(sources_with_scenes("house")),
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        gpu=int(config["views"]["backend"] == "ai2thor"),
        nodes=1,
        mem_mb=3000,
        runtime=240,
    params:
        code=code_of("workflow_scripts.views.shard"),
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


NEEDS_COPPELIASIM = any(
    config["sources"][source]["backend"] == "coppeliasim"
    for source in sources_with_scenes("episode")
)


rule record_demonstrations:
    input:
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
        source=name_pattern(sources_with_scenes("episode")),
    conda:
        "../envs/coppeliasim.yaml" if NEEDS_COPPELIASIM else "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=480,
    params:
        code=code_of("workflow_scripts.views.record", backends=demonstration_backend),
        settings=episode_flags("cameras", "size_px", "max_steps", "max_attempts"),
        digest=shard_digest,
    message:
        "Record the episodes of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.views.record"
        " --scenes {input.scenes} --out {output.views} {params.settings} > {log} 2>&1"


rule read_images:
    input:
        scenes="results/scenes/{source}/{shard}.jsonl",
    output:
        read=directory("results/views/{source}/{shard}.read.zarr"),
        rows="results/views/{source}/{shard}.read.parquet",
        skipped="results/views/{source}/{shard}.read.skipped.jsonl",
    log:
        "logs/views/read_images/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/views/read_images/{source}/{shard}.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("photo")),
    conda:
        "../envs/images.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=120,
    params:
        code=code_of("workflow_scripts.views.images.read"),
        flags=photo_flags("read"),
        digest=companions_digest("depth", "intrinsics"),
    message:
        "Read the photos of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.views.images.read --scenes {input.scenes}"
        " --out {output.read} {params.flags} > {log} 2>&1"


rule filter_images:
    input:
        read="results/views/{source}/{shard}.read.zarr",
        rows="results/views/{source}/{shard}.read.parquet",
    output:
        verdicts="results/views/{source}/{shard}.filter.parquet",
    log:
        "logs/views/filter_images/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/views/filter_images/{source}/{shard}.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("photo")),
    conda:
        "../envs/images.yaml"
    threads: 2
    resources:
        gpu=int(
            bool(
                photo_setting("filter", "include")
                or photo_setting("filter", "exclude")
            )
        ),
        nodes=1,
        mem_mb=6000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.views.images.filter"),
        flags=photo_flags("filter"),
    message:
        "Filter the photos of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.views.images.filter --read {input.read}"
        " --out {output.verdicts} {params.flags} > {log} 2>&1"


rule localise_images:
    input:
        read="results/views/{source}/{shard}.read.zarr",
        rows="results/views/{source}/{shard}.read.parquet",
        verdicts="results/views/{source}/{shard}.filter.parquet",
    output:
        masks="results/views/{source}/{shard}.masks.parquet",
    log:
        "logs/views/localise_images/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/views/localise_images/{source}/{shard}.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("photo")),
    conda:
        "../envs/images.yaml"
    threads: 2
    resources:
        gpu=int(photo_setting("localise", "backend") != "masks"),
        nodes=1,
        mem_mb=8000,
        runtime=240,
    params:
        code=code_of("workflow_scripts.views.images.localise"),
        flags=photo_flags("localise"),
        digest=companions_digest("masks"),
    message:
        "Find the objects in the photos of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.views.images.localise --read {input.read}"
        " --filter-table {input.verdicts} --out {output.masks} {params.flags} > {log} 2>&1"


rule write_image_shard:
    input:
        scenes="results/scenes/{source}/{shard}.jsonl",
        read="results/views/{source}/{shard}.read.zarr",
        rows="results/views/{source}/{shard}.read.parquet",
        read_skipped="results/views/{source}/{shard}.read.skipped.jsonl",
        verdicts="results/views/{source}/{shard}.filter.parquet",
        masks="results/views/{source}/{shard}.masks.parquet",
    output:
        views=directory("results/views/{source}/{shard}.zarr"),
        view_rows="results/views/{source}/{shard}.views.parquet",
        object_rows="results/views/{source}/{shard}.objects.parquet",
        visibility_rows="results/views/{source}/{shard}.visibility.parquet",
        skipped="results/views/{source}/{shard}.skipped.jsonl",
        dropped="results/views/{source}/{shard}.dropped.jsonl",
        credits="results/views/{source}/{shard}.credits.csv",
        picture=report(
            "results/views/{source}/{shard}.png",
            caption="report/views.rst",
            category="views",
            labels={"source": "{source}", "shard": "{shard}"},
        ),
    log:
        "logs/views/write_image_shard/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/views/write_image_shard/{source}/{shard}.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("photo")),
    conda:
        "../envs/images.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.views.images.shard"),
        min_pixels=photo_setting("localise", "min_pixels"),
    message:
        "Pack the photos of {wildcards.source} shard {wildcards.shard} into views"
    shell:
        "python -m workflow_scripts.views.images.shard --scenes {input.scenes}"
        " --read {input.read} --filter-table {input.verdicts} --masks {input.masks}"
        " --out {output.views} --min-pixels {params.min_pixels} > {log} 2>&1"


rule check_episodes:
    input:
        scenes=per_shard_of_source("results/scenes/{source}/{shard}.jsonl"),
        episodes=per_shard_of_source("results/views/{source}/{shard}.episodes.parquet"),
    output:
        "results/views/{source}/leaks.json",
    log:
        "logs/views/{source}/leaks.log",
    benchmark:
        "results/benchmarks/views/{source}/leaks.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("episode")),
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("workflow_scripts.views.check_episodes"),
    message:
        "Check that no episode of {wildcards.source} is in two splits"
    shell:
        "python -m workflow_scripts.views.check_episodes"
        " --scenes {input.scenes} --episodes {input.episodes} --out {output} > {log} 2>&1"


rule export_npz:
    input:
        leaks="results/views/{source}/leaks.json",
        shards=per_shard_of_source("results/views/{source}/{shard}.zarr"),
    output:
        directory("results/views/{source}/npz"),
    log:
        "logs/views/{source}/npz.log",
    benchmark:
        "results/benchmarks/views/{source}/npz.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("episode")),
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        code=code_of("workflow_scripts.views.export_npz"),
        noise=lookup("sources/{source}/npz_noise", within=config),
        seed=config["seed"],
    message:
        "Write the demonstrations of {wildcards.source} as sim_all_formal.npz"
    shell:
        "python -m workflow_scripts.views.export_npz --shards {input.shards}"
        " --noise {params.noise} --seed {params.seed} --out {output} > {log} 2>&1"
