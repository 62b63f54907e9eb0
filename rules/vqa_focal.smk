rule merge_focal_prompts:
    input:
        training=per_focal_room_shard("training.jsonl"),
        scored=per_focal_room_shard("scored.jsonl"),
        dropped=per_focal_room_shard("dropped.jsonl"),
        pictures=per_focal_room_shard("pictures"),
    output:
        train="results/vqa/rooms/{experiment}/focal{percent}/train.parquet",
        val="results/vqa/rooms/{experiment}/focal{percent}/val.parquet",
        scored="results/vqa/rooms/{experiment}/focal{percent}/scored.parquet",
        settings="results/vqa/rooms/{experiment}/focal{percent}/settings.json",
    log:
        "logs/vqa/merge_focal_prompts/{experiment}.focal{percent}.log",
    benchmark:
        "results/benchmarks/vqa/merge_focal_prompts/{experiment}.focal{percent}.tsv"
    wildcard_constraints:
        experiment=name_pattern(ROOM_EXPERIMENTS),
        percent=r"\d{3}",
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
        "Merge the prompts of {wildcards.experiment} at {wildcards.percent} % of the focal length"
    shell:
        "python -m workflow_scripts.vqa.rooms.merge_prompts --training {input.training}"
        " --scored {input.scored} --dropped {input.dropped} --out {params.out}"
        " --settings {params.settings:q} > {log} 2>&1"
