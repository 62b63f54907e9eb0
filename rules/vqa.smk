rule ask_shard:
    input:
        script="workflow_scripts/vqa/shard.py",
        ask="workflow_scripts/vqa/ask.py",
        sight="workflow_scripts/vqa/sight.py",
        gallery="workflow_scripts/vqa/gallery.py",
        families=modules_of("vqa/families"),
        views="results/views/{source}/{shard}.zarr",
        rows="results/views/{source}/{shard}.views.parquet",
        objects="results/views/{source}/{shard}.objects.parquet",
        visibility="results/views/{source}/{shard}.visibility.parquet",
    output:
        questions="results/vqa/{source}/{shard}.jsonl",
        images=directory("results/vqa/{source}/{shard}.images"),
        dropped="results/vqa/{source}/{shard}.dropped.jsonl",
        picture="results/vqa/{source}/{shard}.png",
    log:
        "logs/vqa/ask_shard/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/vqa/ask_shard/{source}/{shard}.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        forms=lookup("vqa/forms", within=config),
        questions_per_view=lookup("vqa/questions_per_view", within=config),
        min_pixels=lookup("vqa/min_pixels", within=config),
        min_fraction_visible=lookup("vqa/min_fraction_visible", within=config),
        margin_m=lookup("vqa/margin_m", within=config),
        margin_ratio=lookup("vqa/margin_ratio", within=config),
        margin_picture=lookup("vqa/margin_picture", within=config),
        answer_style=lookup("vqa/answer_style", within=config),
        seed=config["seed"],
    message:
        "Ask about the views of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.vqa.shard --views {input.views}"
        " --out {output.questions} --images {output.images}"
        " --dropped {output.dropped} --picture {output.picture}"
        " --forms {params.forms} --questions-per-view {params.questions_per_view}"
        " --min-pixels {params.min_pixels}"
        " --min-fraction-visible {params.min_fraction_visible}"
        " --margin-m {params.margin_m} --margin-ratio {params.margin_ratio}"
        " --margin-picture {params.margin_picture}"
        " --answer-style {params.answer_style} --seed {params.seed} > {log} 2>&1"


rule merge_vqa:
    input:
        script="workflow_scripts/vqa/merge.py",
        shards=per_shard("results/vqa/{source}/{shard}.jsonl"),
    output:
        conversations="results/vqa/{split}.json",
        questions="results/vqa/{split}.parquet",
    log:
        "logs/vqa/merge_vqa/{split}.log",
    benchmark:
        "results/benchmarks/vqa/merge_vqa/{split}.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        split="{split}",
    message:
        "Merge the questions of split {wildcards.split}"
    shell:
        "python -m workflow_scripts.vqa.merge --shards {input.shards}"
        " --split {params.split} --out {output.conversations}"
        " --table {output.questions} > {log} 2>&1"
