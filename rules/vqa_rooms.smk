from workflow_scripts.config.vqa import RoomRecordSettings

# Rooms are also drawn with other focal lengths: shard 0003 with half of it is 0003.focal050.
ROOM_SHARD = r"\d{4}(\.focal\d{3})?"


# The room of every view of a house, for models that write rooms.
rule write_room_records:
    input:
        scenes=scenes_of_room_shard,
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
        shard=ROOM_SHARD,
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
        "Write the room records of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.vqa.rooms.write_room_records --scenes {input.scenes}"
        " --views {input.views} --out {output.rooms} --images {output.images}"
        " --skipped {output.skipped} --settings {params.settings:q} {params.captions}"
        " > {log} 2>&1"


# Prompts, answers and pictures about rooms, of every experiment whose model writes them.
ROOM_EXPERIMENTS = [
    name for name, experiment in EXPERIMENTS.items() if experiment.kind.room_prompts
]


rule write_room_prompts:
    input:
        rooms="results/vqa/{source}/{shard}.rooms.parquet",
        images="results/vqa/{source}/{shard}.room_images",
        views="results/views/{source}/{shard}.zarr",
        rows="results/views/{source}/{shard}.views.parquet",
        depth=depth_of_room_shard,
    output:
        training="results/vqa/rooms/{experiment}/{source}/{shard}.training.jsonl",
        scored="results/vqa/rooms/{experiment}/{source}/{shard}.scored.jsonl",
        pictures=directory("results/vqa/rooms/{experiment}/{source}/{shard}.pictures"),
        dropped="results/vqa/rooms/{experiment}/{source}/{shard}.dropped.jsonl",
    log:
        "logs/vqa/write_room_prompts/{experiment}/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/vqa/write_room_prompts/{experiment}/{source}/{shard}.tsv"
    wildcard_constraints:
        source=name_pattern(sources_with_scenes("house")),
        shard=ROOM_SHARD,
        experiment=name_pattern(ROOM_EXPERIMENTS),
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.vqa.rooms.write_prompts"),
        settings=lambda wildcards: EXPERIMENTS[
            wildcards.experiment
        ].room_prompt_settings(CONTEXT),
        seed=config["seed"],
    message:
        "Write prompts of {wildcards.experiment} about {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.vqa.rooms.write_prompts --rooms {input.rooms}"
        " --views {input.views} --depth {input.depth} --training {output.training}"
        " --scored {output.scored} --pictures {output.pictures} --dropped {output.dropped}"
        " --settings {params.settings:q} --seed {params.seed} > {log} 2>&1"


rule merge_room_prompts:
    input:
        training=per_room_shard("{shard}.training.jsonl"),
        scored=per_room_shard("{shard}.scored.jsonl"),
        dropped=per_room_shard("{shard}.dropped.jsonl"),
        pictures=per_room_shard("{shard}.pictures"),
        images=per_shard("results/vqa/{source}/{shard}.room_images", scene_kind="house"),
    output:
        train="results/vqa/rooms/{experiment}/train.parquet",
        val="results/vqa/rooms/{experiment}/val.parquet",
        scored="results/vqa/rooms/{experiment}/scored.parquet",
        settings="results/vqa/rooms/{experiment}/settings.json",
    log:
        "logs/vqa/merge_room_prompts/{experiment}.log",
    benchmark:
        "results/benchmarks/vqa/merge_room_prompts/{experiment}.tsv"
    wildcard_constraints:
        experiment=name_pattern(ROOM_EXPERIMENTS),
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.vqa.rooms.merge_prompts"),
        out=subpath(output.scored, parent=True),
        settings=lambda wildcards: EXPERIMENTS[
            wildcards.experiment
        ].room_prompt_settings(CONTEXT),
    message:
        "Merge the prompts of {wildcards.experiment} of every split"
    shell:
        "python -m workflow_scripts.vqa.rooms.merge_prompts --training {input.training}"
        " --scored {input.scored} --dropped {input.dropped} --out {params.out}"
        " --settings {params.settings:q} > {log} 2>&1"
