from workflow_scripts.sources.readers.scans.base import READERS
from workflow_scripts.sources.scan_settings import FrameSelectionSettings


include: "functions/views_scans.smk"


# A camera that walks through houses: posed frames with exact depth and masks.
rule render_walks:
    input:
        scenes="results/scenes/{source}/{shard}.jsonl",
    output:
        views=directory("results/views/{source}/{shard}.zarr"),
        view_rows="results/views/{source}/{shard}.views.parquet",
        object_rows="results/views/{source}/{shard}.objects.parquet",
        visibility_rows="results/views/{source}/{shard}.visibility.parquet",
        gap_rows="results/views/{source}/{shard}.surface_gaps.parquet",
        surface_points="results/views/{source}/{shard}.surface.parquet",
        skipped="results/views/{source}/{shard}.skipped.jsonl",
        credits="results/views/{source}/{shard}.credits.csv",
        picture=report(
            "results/views/{source}/{shard}.png",
            caption="report/views.rst",
            category="views",
            labels={"source": "{source}", "shard": "{shard}"},
        ),
    log:
        "logs/views/render_walks/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/views/render_walks/{source}/{shard}.tsv"
    wildcard_constraints:
        source=name_pattern(scan_sources(simulated=True)),
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
            "workflow_scripts.views.scans.render_walks",
            backends=[RENDERERS[config["views"]["backend"]]],
        ),
        settings=walk_settings,
        measure=lambda wildcards: (
            "--measure-surfaces"
            if wildcards.source in sources_with_stage("vqa")
            else "--no-measure-surfaces"
        ),
        seed=config["seed"],
    message:
        "Render the simulated scans of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.views.scans.render_walks --scenes {input.scenes}"
        " --out {output.views} --settings {params.settings:q} --seed {params.seed}"
        " {params.measure} > {log} 2>&1"


# Objects in the frames of scans from files, where a network finds them.
rule localise_scans:
    input:
        files=user_files,
        scenes="results/scenes/{source}/{shard}.jsonl",
    output:
        masks=directory("results/views/{source}/{shard}.masks"),
        skipped="results/views/{source}/{shard}.masks.skipped.jsonl",
    log:
        "logs/views/localise_scans/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/views/localise_scans/{source}/{shard}.tsv"
    wildcard_constraints:
        source=name_pattern(localised_scans()),
    conda:
        "../envs/images.yaml"
    threads: 2
    resources:
        gpu=1,
        nodes=1,
        mem_mb=8000,
        runtime=240,
    params:
        code=code_of(
            "workflow_scripts.views.scans.localise_scans",
            backends=lambda wildcards: [
                PROPOSERS[config["sources"][wildcards.source]["localise"]["backend"]],
                READERS[config["sources"][wildcards.source]["format"]],
            ],
        ),
        settings=source_settings(LocaliseScansSettings),
        digest=shard_digest,
    message:
        "Find the objects in the scans of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.views.scans.localise_scans --scenes {input.scenes}"
        " --out {output.masks} --settings {params.settings:q} > {log} 2>&1"


# Scans from files, whatever their layout.
rule read_scans:
    input:
        files=user_files,
        scenes="results/scenes/{source}/{shard}.jsonl",
        masks=found_masks,
    output:
        views=directory("results/views/{source}/{shard}.zarr"),
        view_rows="results/views/{source}/{shard}.views.parquet",
        object_rows="results/views/{source}/{shard}.objects.parquet",
        visibility_rows="results/views/{source}/{shard}.visibility.parquet",
        quality_rows="results/views/{source}/{shard}.quality.parquet",
        skipped="results/views/{source}/{shard}.skipped.jsonl",
        credits="results/views/{source}/{shard}.credits.csv",
        picture=report(
            "results/views/{source}/{shard}.png",
            caption="report/views.rst",
            category="views",
            labels={"source": "{source}", "shard": "{shard}"},
        ),
    log:
        "logs/views/read_scans/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/views/read_scans/{source}/{shard}.tsv"
    wildcard_constraints:
        source=name_pattern(scan_sources(simulated=False)),
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        code=code_of(
            "workflow_scripts.views.scans.read_scans",
            backends=lambda wildcards: [
                READERS[config["sources"][wildcards.source]["format"]]
            ],
        ),
        settings=read_settings,
        masks=lambda wildcards, input: (
            f"--localised-masks {input.masks}" if input.masks else ""
        ),
        digest=shard_digest,
    message:
        "Read the scans of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.views.scans.read_scans --scenes {input.scenes}"
        " --out {output.views} {params.masks} --settings {params.settings:q} > {log} 2>&1"


# The frames that a model is shown, and a plan of every scan with its camera's path.
rule select_frames:
    input:
        views="results/views/{source}/{shard}.zarr",
        view_rows="results/views/{source}/{shard}.views.parquet",
        object_rows="results/views/{source}/{shard}.objects.parquet",
        surface_points=scan_surface,
    output:
        frames="results/views/{source}/{shard}.frames.parquet",
        skipped="results/views/{source}/{shard}.frames.skipped.jsonl",
        picture=report(
            "results/views/{source}/{shard}.plan.png",
            caption="report/frames.rst",
            category="views",
            labels={"source": "{source}", "shard": "{shard} camera path"},
        ),
    log:
        "logs/views/select_frames/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/views/select_frames/{source}/{shard}.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("scan")),
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.views.scans.select_frames"),
        settings=source_settings(FrameSelectionSettings, "selection"),
        surface=lambda wildcards, input: (
            f"--surface {input.surface_points}" if input.surface_points else ""
        ),
    message:
        "Select frames of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.views.scans.select_frames --views {input.views}"
        " {params.surface} --settings {params.settings:q} --out {output.frames}"
        " --picture {output.picture} > {log} 2>&1"
