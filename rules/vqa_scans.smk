from workflow_scripts.config.scan_questions import ScanSampleSettings
from workflow_scripts.config.vqa import SolvableSettings


# What video models are asked about the scans of a shard, and the boxes that they choose from.
rule generate_scan_samples:
    input:
        scenes="results/scenes/{source}/{shard}.jsonl",
        views="results/views/{source}/{shard}.zarr",
        rows="results/views/{source}/{shard}.views.parquet",
        objects="results/views/{source}/{shard}.objects.parquet",
        visibility="results/views/{source}/{shard}.visibility.parquet",
        frames="results/views/{source}/{shard}.frames.parquet",
    output:
        samples="results/vqa/{source}/{shard}.scan_samples.jsonl",
        proposals="results/vqa/{source}/{shard}.proposals.parquet",
        dropped="results/vqa/{source}/{shard}.scan_samples.dropped.jsonl",
    log:
        "logs/vqa/generate_scan_samples/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/vqa/generate_scan_samples/{source}/{shard}.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("scan")),
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.vqa.scans.generate"),
        settings=scan_sample_settings,
        boxes=predicted_boxes_digest,
        seed=config["seed"],
    message:
        "Generate samples about the scans of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.vqa.scans.generate --scenes {input.scenes}"
        " --views {input.views} --frames {input.frames} --out {output.samples}"
        " --proposals {output.proposals} --dropped {output.dropped}"
        " --settings {params.settings:q} --seed {params.seed} > {log} 2>&1"


rule merge_scan_samples:
    input:
        samples=per_shard(
            "results/vqa/{source}/{shard}.scan_samples.jsonl",
            stage="views",
            scene_kind="scan",
        ),
        imported=imported_samples("scan_samples.jsonl"),
        dropped=per_shard(
            "results/vqa/{source}/{shard}.scan_samples.dropped.jsonl",
            stage="views",
            scene_kind="scan",
        ),
    output:
        train="results/vqa/scans/train.jsonl",
        val="results/vqa/scans/val.jsonl",
        test="results/vqa/scans/test.jsonl",
        dropped=expand("results/vqa/scans/{split}.dropped.jsonl", split=SPLITS),
        text_only="results/vqa/scans/text_only.csv",
    log:
        "logs/vqa/merge_scan_samples.log",
    benchmark:
        "results/benchmarks/vqa/merge_scan_samples.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.vqa.scans.merge"),
        out=subpath(output.train, parent=True),
        settings=section_json(config["vqa"], SolvableSettings),
        seed=config["seed"],
    message:
        "Merge the samples about scans"
    shell:
        "python -m workflow_scripts.vqa.scans.merge --samples {input.samples} {input.imported}"
        " --dropped {input.dropped} --out {params.out}"
        " --settings {params.settings:q} --seed {params.seed} > {log} 2>&1"
