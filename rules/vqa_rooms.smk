from workflow_scripts.config.vqa import RoomRecordSettings


# The room of every view of a house, for models that write rooms.
rule write_room_records:
    input:
        scenes="results/scenes/{source}/{shard}.jsonl",
        views="results/views/{source}/{shard}.zarr",
        rows="results/views/{source}/{shard}.views.parquet",
        objects="results/views/{source}/{shard}.objects.parquet",
        visibility="results/views/{source}/{shard}.visibility.parquet",
        captions=asset_captions,
    output:
        rooms="results/vqa/{source}/{shard}.rooms.parquet",
        images=directory("results/vqa/{source}/{shard}.room_images"),
        skipped="results/vqa/{source}/{shard}.rooms.skipped.jsonl",
    log:
        "logs/vqa/write_room_records/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/vqa/write_room_records/{source}/{shard}.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("house")),
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.vqa.rooms.write_room_records"),
        settings=section_json(config["vqa"], RoomRecordSettings),
        captions=lambda wildcards, input: (
            f"--captions {input.captions}" if input.captions else ""
        ),
    message:
        "Write the rooms of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.vqa.rooms.write_room_records --scenes {input.scenes}"
        " --views {input.views} --out {output.rooms} --images {output.images}"
        " --skipped {output.skipped} --settings {params.settings:q} {params.captions}"
        " > {log} 2>&1"
