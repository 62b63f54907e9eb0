from workflow_scripts.sources.annotation_settings import AnnotationsSettings


include: "functions/vqa_annotations.smk"


# Published descriptions of scans and questions about them, of every shard at once.
rule import_scan_annotations:
    input:
        files=annotation_inputs,
        scenes=per_shard_of_source("results/scenes/{source}/{shard}.jsonl"),
        views=per_shard_of_source("results/views/{source}/{shard}.views.parquet"),
        objects=per_shard_of_source("results/views/{source}/{shard}.objects.parquet"),
    output:
        samples="results/vqa/{source}/annotations.scan_samples.jsonl",
        skipped="results/vqa/{source}/annotations.skipped.jsonl",
    log:
        "logs/vqa/import_scan_annotations/{source}.log",
    benchmark:
        "results/benchmarks/vqa/import_scan_annotations/{source}.tsv"
    wildcard_constraints:
        source=name_pattern(annotated_sources()),
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.vqa.scans.annotations.import_annotations"),
        settings=source_settings(AnnotationsSettings, "annotations"),
        digest=annotation_digest,
    message:
        "Import annotations of {wildcards.source}"
    shell:
        "python -m workflow_scripts.vqa.scans.annotations.import_annotations"
        " --scenes {input.scenes} --views {input.views} --objects {input.objects}"
        " --source {wildcards.source} --out {output.samples} --skipped {output.skipped}"
        " --settings {params.settings:q} > {log} 2>&1"


# Samples and boxes in the form that Video-3D LLM reads.
rule export_scan_llava:
    input:
        samples=expand("results/vqa/scans/{split}.jsonl", split=SPLITS),
        scenes=per_shard_of_source("results/scenes/{source}/{shard}.jsonl"),
        objects=per_shard_of_source("results/views/{source}/{shard}.objects.parquet"),
        proposals=per_shard_of_source("results/vqa/{source}/{shard}.proposals.parquet"),
    output:
        folder=directory("results/vqa/{source}/video3dllm"),
    log:
        "logs/vqa/export_scan_llava/{source}.log",
    benchmark:
        "results/benchmarks/vqa/export_scan_llava/{source}.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("scan")),
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.vqa.scans.export_llava"),
    message:
        "Export the samples about {wildcards.source} in the format of Video-3D LLM"
    shell:
        "python -m workflow_scripts.vqa.scans.export_llava --samples {input.samples}"
        " --scenes {input.scenes} --objects {input.objects} --proposals {input.proposals}"
        " --source {wildcards.source} --out {output.folder} > {log} 2>&1"
