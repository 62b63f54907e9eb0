from workflow_scripts.config.views import FocalViewSettings


# The views of the scored houses, drawn again with other focal lengths (evaluate.focal_factors).
rule render_focal_views:
    input:
        scenes="results/scenes/{source}/{shard}.jsonl",
        views="results/views/{source}/{shard}.zarr",
        rows="results/views/{source}/{shard}.views.parquet",
    output:
        views=directory("results/views/{source}/{shard}.focal{percent}.zarr"),
        view_rows="results/views/{source}/{shard}.focal{percent}.views.parquet",
        object_rows="results/views/{source}/{shard}.focal{percent}.objects.parquet",
        visibility_rows="results/views/{source}/{shard}.focal{percent}.visibility.parquet",
        gap_rows="results/views/{source}/{shard}.focal{percent}.surface_gaps.parquet",
        skipped="results/views/{source}/{shard}.focal{percent}.skipped.jsonl",
        credits="results/views/{source}/{shard}.focal{percent}.credits.csv",
    log:
        "logs/views/render_focal_views/{source}/{shard}.focal{percent}.log",
    benchmark:
        "results/benchmarks/views/render_focal_views/{source}/{shard}.focal{percent}.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("house")),
        percent=r"\d{3}",
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        code=code_of(
            "workflow_scripts.views.render_focal_lengths",
            backends=[RENDERERS[config["views"]["backend"]]],
        ),
        settings=section_json(
            {**config["views"], "split": config["evaluate"]["split"]},
            FocalViewSettings,
        ),
        seed=config["seed"],
    message:
        "Render {wildcards.source} shard {wildcards.shard} at {wildcards.percent} % of the focal length"
    shell:
        "python -m workflow_scripts.views.render_focal_lengths --scenes {input.scenes}"
        " --views {input.views} --out {output.views} --percent $((10#{wildcards.percent}))"
        " --settings {params.settings:q} --seed {params.seed} > {log} 2>&1"
