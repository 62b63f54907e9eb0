from workflow_scripts.config.views import ViewsSettings
from workflow_scripts.sources.images import (
    FilterSettings,
    MaskSizeSettings,
    PhotoObjectsSettings,
    PhotoReadSettings,
)
from workflow_scripts.sources.rlbench import NpzSettings, RecordSettings
from workflow_scripts.views.demonstrator import BACKENDS as DEMONSTRATORS
from workflow_scripts.views.images.proposals import BACKENDS as PROPOSERS
from workflow_scripts.views.renderer import BACKENDS as RENDERERS


# Posed views of every room, with exact depth, masks and visibility.
rule render_shard:
    input:
        scenes="results/scenes/{source}/{shard}.jsonl",
    output:
        views=directory("results/views/{source}/{shard}.zarr"),
        view_rows="results/views/{source}/{shard}.views.parquet",
        object_rows="results/views/{source}/{shard}.objects.parquet",
        visibility_rows="results/views/{source}/{shard}.visibility.parquet",
        gap_rows="results/views/{source}/{shard}.surface_gaps.parquet",
        skipped="results/views/{source}/{shard}.skipped.jsonl",
        credits="results/views/{source}/{shard}.credits.csv",
        picture=report(
            "results/views/{source}/{shard}.png",
            caption="report/views.rst",
            category="views",
            labels={"source": "{source}", "shard": "{shard}"},
        ),
    log:
        "logs/views/render_shard/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/views/render_shard/{source}/{shard}.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("house")),
    priority: 1
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        gpu=int(config["views"]["backend"] == "ai2thor"),
        nodes=1,
        mem_mb=3000,
        runtime=240,
    params:
        code=code_of(
            "workflow_scripts.views.shard",
            backends=[RENDERERS[config["views"]["backend"]]],
        ),
        settings=section_json(config["views"], ViewsSettings),
        seed=config["seed"],
    message:
        "Render the houses of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.views.shard --scenes {input.scenes} --out {output.views}"
        " --settings {params.settings:q} --seed {params.seed} > {log} 2>&1"


NEEDS_COPPELIASIM = any(
    config["sources"][source]["backend"] == "coppeliasim"
    for source in sources_with_scenes("episode")
)


rule record_demonstrations:
    input:
        files=user_files,
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
        "logs/views/record_demonstrations/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/views/record_demonstrations/{source}/{shard}.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("episode")),
    conda:
        "../envs/coppeliasim.yaml" if NEEDS_COPPELIASIM else "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=480,
    params:
        code=code_of(
            "workflow_scripts.views.record",
            backends=lambda wildcards: [
                DEMONSTRATORS[config["sources"][wildcards.source]["backend"]]
            ],
        ),
        settings=source_settings(RecordSettings),
        digest=shard_digest,
    message:
        "Record the episodes of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.views.record --scenes {input.scenes} --out {output.views}"
        " --settings {params.settings:q} > {log} 2>&1"


# A network needs a GPU; without labels to look for, or with masks given, none is loaded.
FILTERS_PHOTOS = any(
    config["sources"][source]["filter"][labels]
    for source in sources_with_scenes("photo")
    for labels in ("include", "exclude")
)
LOCALISES_PHOTOS = any(
    config["sources"][source]["localise"]["backend"] != "masks"
    for source in sources_with_scenes("photo")
)


rule read_images:
    input:
        scenes="results/scenes/{source}/{shard}.jsonl",
    output:
        photo_frames=directory("results/views/{source}/{shard}.read.zarr"),
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
        settings=source_settings(PhotoReadSettings),
        digest=sidecar_digest("depth", "intrinsics"),
    message:
        "Read the photos of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.views.images.read --scenes {input.scenes}"
        " --out {output.photo_frames} --settings {params.settings:q} > {log} 2>&1"


rule filter_images:
    input:
        photo_frames="results/views/{source}/{shard}.read.zarr",
        rows="results/views/{source}/{shard}.read.parquet",
    output:
        filter_table="results/views/{source}/{shard}.filter.parquet",
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
        gpu=int(FILTERS_PHOTOS),
        nodes=1,
        mem_mb=6000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.views.images.filter"),
        settings=source_settings(FilterSettings, "filter"),
    message:
        "Filter the photos of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.views.images.filter --photo-frames {input.photo_frames}"
        " --out {output.filter_table} --settings {params.settings:q} > {log} 2>&1"


rule localise_images:
    input:
        photo_frames="results/views/{source}/{shard}.read.zarr",
        rows="results/views/{source}/{shard}.read.parquet",
        filter_table="results/views/{source}/{shard}.filter.parquet",
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
        gpu=int(LOCALISES_PHOTOS),
        nodes=1,
        mem_mb=8000,
        runtime=240,
    params:
        code=code_of(
            "workflow_scripts.views.images.localise",
            backends=lambda wildcards: [
                PROPOSERS[config["sources"][wildcards.source]["localise"]["backend"]]
            ],
        ),
        settings=source_settings(PhotoObjectsSettings),
        digest=sidecar_digest("masks"),
    message:
        "Find the objects in the photos of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.views.images.localise --photo-frames {input.photo_frames}"
        " --filter-table {input.filter_table} --out {output.masks}"
        " --settings {params.settings:q} > {log} 2>&1"


rule write_image_shard:
    input:
        scenes="results/scenes/{source}/{shard}.jsonl",
        photo_frames="results/views/{source}/{shard}.read.zarr",
        rows="results/views/{source}/{shard}.read.parquet",
        unreadable_photos="results/views/{source}/{shard}.read.skipped.jsonl",
        filter_table="results/views/{source}/{shard}.filter.parquet",
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
        settings=source_settings(MaskSizeSettings, "localise"),
    message:
        "Pack the photos of {wildcards.source} shard {wildcards.shard} into views"
    shell:
        "python -m workflow_scripts.views.images.shard --scenes {input.scenes}"
        " --photo-frames {input.photo_frames} --filter-table {input.filter_table}"
        " --masks {input.masks}"
        " --out {output.views} --settings {params.settings:q} > {log} 2>&1"


# Whatever is asked of a source, a run that lost all of it ends with an error.
rule check_views:
    input:
        views=per_shard_of_source("results/views/{source}/{shard}.zarr"),
        view_rows=per_shard_of_source("results/views/{source}/{shard}.views.parquet"),
        object_rows=per_shard_of_source(
            "results/views/{source}/{shard}.objects.parquet"
        ),
        skipped=per_shard_of_source("results/views/{source}/{shard}.skipped.jsonl"),
    output:
        "results/views/{source}/counts.json",
    log:
        "logs/views/check_views/{source}.log",
    benchmark:
        "results/benchmarks/views/check_views/{source}.tsv"
    wildcard_constraints:
        source=name_pattern(
            source for kind in CHECKED_SCENES for source in sources_with_scenes(kind)
        ),
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("workflow_scripts.views.check_views"),
        needs_depth=lambda wildcards: (
            "" if is_estimated(wildcards.source) else "--needs-depth"
        ),
        # Scans of other people may come without labels.
        objects=lambda wildcards: (
            "--no-needs-objects"
            if wildcards.source in sources_with_scenes("scan")
            else "--needs-objects"
        ),
    message:
        "Check that {wildcards.source} has views and objects"
    shell:
        "python -m workflow_scripts.views.check_views --views {input.views}"
        " {params.needs_depth} {params.objects} --out {output} > {log} 2>&1"


rule check_episodes:
    input:
        scenes=per_shard_of_source("results/scenes/{source}/{shard}.jsonl"),
        episodes=per_shard_of_source("results/views/{source}/{shard}.episodes.parquet"),
    output:
        "results/views/{source}/leaks.json",
    log:
        "logs/views/check_episodes/{source}.log",
    benchmark:
        "results/benchmarks/views/check_episodes/{source}.tsv"
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
        split_check="results/views/{source}/leaks.json",
        shards=per_shard_of_source("results/views/{source}/{shard}.zarr"),
    output:
        directory("results/views/{source}/npz"),
    log:
        "logs/views/export_npz/{source}.log",
    benchmark:
        "results/benchmarks/views/export_npz/{source}.tsv"
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
        settings=source_settings(NpzSettings),
        seed=config["seed"],
    message:
        "Write the demonstrations of {wildcards.source} as sim_all_formal.npz"
    shell:
        "python -m workflow_scripts.views.export_npz --shards {input.shards}"
        " --settings {params.settings:q} --seed {params.seed} --out {output} > {log} 2>&1"


include: "views_scans.smk"
include: "views_focal.smk"
include: "views_pretraining.smk"
