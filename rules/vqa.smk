from workflow_scripts.config.vqa import (
    CardSettings,
    GallerySettings,
    MergeSettings,
    PushSettings,
    QuestionSettings,
    ReasoningSettings,
)


include: "functions/vqa.smk"
include: "vqa_audit.smk"
include: "vqa_rooms.smk"
include: "vqa_annotations.smk"
include: "vqa_scans.smk"
include: "vqa_focal.smk"


PARAPHRASE_COST = as_workflow_error(
    question_params.paraphrase_cost_message, config, num_question_views()
)


rule generate_questions:
    input:
        views="results/views/{source}/{shard}.zarr",
        rows="results/views/{source}/{shard}.views.parquet",
        objects="results/views/{source}/{shard}.objects.parquet",
        visibility="results/views/{source}/{shard}.visibility.parquet",
        gaps=surface_gap_table,
        measured=measurement_tables,
        frames=chosen_frames,
    output:
        questions="results/vqa/{source}/{shard}.jsonl",
        images=directory("results/vqa/{source}/{shard}.images"),
        dropped="results/vqa/{source}/{shard}.dropped.jsonl",
        picture="results/vqa/{source}/{shard}.png",
    log:
        "logs/vqa/generate_questions/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/vqa/generate_questions/{source}/{shard}.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.vqa.generate_questions"),
        settings=section_json(config["vqa"], QuestionSettings),
        clouds=clouds_flag,
        frames=lambda wildcards, input: (
            f"--frames {input.frames}" if input.frames else ""
        ),
        reasoning="--with-reasoning" if config["vqa"]["reasoning"] != "none" else "",
        seed=config["seed"],
    message:
        "Generate questions about the views of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.vqa.generate_questions --views {input.views}"
        " --out {output.questions} --images {output.images}"
        " --dropped {output.dropped} --picture {output.picture} --settings {params.settings:q}"
        " {params.clouds} {params.frames} {params.reasoning} --seed {params.seed} > {log} 2>&1"


PARAPHRASE_PROMPT = (
    [config["vqa"]["paraphrase"]["prompt"]] if config["vqa"]["paraphrase"] else []
)


# Calls to the server are capped over all jobs with `--resources openai_calls=8`, as captions are.
rule paraphrase_questions:
    input:
        prompt=listed(PARAPHRASE_PROMPT),
        questions="results/vqa/{source}/{shard}.jsonl",
    output:
        questions="results/vqa/{source}/{shard}.paraphrased.jsonl",
        dropped="results/vqa/{source}/{shard}.paraphrased.dropped.jsonl",
    log:
        "logs/vqa/paraphrase_questions/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/vqa/paraphrase_questions/{source}/{shard}.tsv"
    retries: 2
    conda:
        "../envs/captions.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
        openai_calls=question_params.paraphrase_setting(config["vqa"], "concurrency", 0),
        max_cost_usd=str(
            question_params.paraphrase_setting(config["vqa"], "max_cost_usd", None)
        ),
    params:
        code=code_of("workflow_scripts.vqa.paraphrase.paraphrase_questions"),
        settings=question_params.paraphrase_settings(config["vqa"]),
        prompt=unlisted_digest(PARAPHRASE_PROMPT),
        seed=config["seed"],
    message:
        "Paraphrase the questions of {wildcards.source} {wildcards.shard}{PARAPHRASE_COST}"
    shell:
        "python -m workflow_scripts.vqa.paraphrase.paraphrase_questions --questions {input.questions}"
        " --out {output.questions} --dropped {output.dropped}"
        " --settings {params.settings:q} --seed {params.seed}"
        " --concurrency {resources.openai_calls}"
        " --max-cost-usd {resources.max_cost_usd} > {log} 2>&1"


rule merge_questions:
    input:
        shards=per_shard(
            "results/vqa/{source}/{shard}.paraphrased.jsonl"
            if config["vqa"]["paraphrase"]
            else "results/vqa/{source}/{shard}.jsonl"
        ),
        skipped=per_shard("results/views/{source}/{shard}.skipped.jsonl", stage="vqa"),
    output:
        conversations=expand("results/vqa/{split}.json", split=SPLITS),
        questions=expand("results/vqa/{split}.parquet", split=SPLITS),
        dropped=expand("results/vqa/{split}.dropped.jsonl", split=SPLITS),
        text_only="results/vqa/text_only.csv",
    log:
        "logs/vqa/merge_questions.log",
    benchmark:
        "results/benchmarks/vqa/merge_questions.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        code=code_of("workflow_scripts.vqa.merge"),
        out=subpath(output.text_only, parent=True),
        settings=section_json(config["vqa"], MergeSettings),
        seed=config["seed"],
    message:
        "Merge the questions of every split"
    shell:
        "python -m workflow_scripts.vqa.merge --shards {input.shards}"
        " --skipped {input.skipped} --out {params.out}"
        " --settings {params.settings:q} --seed {params.seed} > {log} 2>&1"


rule export_messages:
    input:
        questions="results/vqa/{split}.parquet",
        images=per_shard("results/vqa/{source}/{shard}.images"),
    output:
        folder=directory("results/vqa/dataset/{split}"),
    log:
        "logs/vqa/export_messages/{split}.log",
    benchmark:
        "results/benchmarks/vqa/export_messages/{split}.tsv"
    conda:
        "../envs/exports.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=120,
    params:
        code=code_of("workflow_scripts.vqa.export.messages"),
        settings=section_json(config["vqa"], ReasoningSettings),
    message:
        "Write split {wildcards.split} as chat messages with pictures (Parquet)"
    shell:
        "python -m workflow_scripts.vqa.export.messages --questions {input.questions}"
        " --images results/vqa --split {wildcards.split} --out {output.folder}"
        " --settings {params.settings:q} > {log} 2>&1"


rule write_dataset_card:
    input:
        questions=expand("results/vqa/{split}.parquet", split=SPLITS),
        dropped=dropped_question_tables(),
        photos=photo_drop_tables(),
        text_only="results/vqa/text_only.csv",
    output:
        card="results/vqa/dataset/README.md",
    log:
        "logs/vqa/write_dataset_card.log",
    benchmark:
        "results/benchmarks/vqa/write_dataset_card.tsv"
    conda:
        "../envs/exports.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("workflow_scripts.vqa.export.card"),
        made_with=question_params.card_contents(
            config,
            sources_with_stage("vqa"),
            has_houses=bool(
                sources_with_scenes("house") or scan_sources(simulated=True)
            ),
            is_measured=any(map(uses_measurements, sources_with_stage("vqa"))),
        ),
        settings=section_json(config["vqa"]["hub"], CardSettings),
    message:
        "Write the data set card"
    shell:
        "python -m workflow_scripts.vqa.export.card --questions {input.questions}"
        " --dropped {input.dropped} --photos {input.photos} --text-only {input.text_only}"
        " --made-with {params.made_with:q} --settings {params.settings:q}"
        " --out {output.card} > {log} 2>&1"


rule export_sharegpt:
    input:
        questions="results/vqa/{split}.parquet",
    output:
        conversations="results/vqa/{split}.sharegpt.json",
    log:
        "logs/vqa/export_sharegpt/{split}.log",
    benchmark:
        "results/benchmarks/vqa/export_sharegpt/{split}.tsv"
    conda:
        "../envs/exports.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.vqa.export.sharegpt"),
        settings=section_json(config["vqa"], ReasoningSettings),
    message:
        "Write split {wildcards.split} as ShareGPT conversations"
    shell:
        "python -m workflow_scripts.vqa.export.sharegpt --questions {input.questions}"
        " --out {output.conversations}"
        " --settings {params.settings:q} > {log} 2>&1"


rule export_regions:
    input:
        questions="results/vqa/{split}.parquet",
        views=per_shard("results/views/{source}/{shard}.zarr", stage="vqa"),
    output:
        conversations="results/vqa/{split}.regions.json",
        dropped="results/vqa/{split}.regions.dropped.jsonl",
    log:
        "logs/vqa/export_regions/{split}.log",
    benchmark:
        "results/benchmarks/vqa/export_regions/{split}.tsv"
    conda:
        "../envs/exports.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        code=code_of("workflow_scripts.vqa.export.regions"),
        settings=section_json(config["vqa"], ReasoningSettings),
    message:
        "Write split {wildcards.split} with region tags and masks"
    shell:
        "python -m workflow_scripts.vqa.export.regions --questions {input.questions}"
        " --views {input.views} --images results/vqa --out {output.conversations}"
        " --dropped {output.dropped} --settings {params.settings:q} > {log} 2>&1"


rule write_gallery:
    input:
        questions=expand("results/vqa/{split}.parquet", split=SPLITS),
        dropped=dropped_question_tables(),
        views=per_shard("results/views/{source}/{shard}.zarr", stage="vqa"),
        depth=per_estimated_shard("results/depth/{source}/{shard}.zarr", "vqa"),
        measured=[
            *per_measured_shard(
                "results/pointclouds/{source}/{shard}.measured.parquet"
            ),
            *per_measured_shard(
                "results/pointclouds/{source}/{shard}.gravity.parquet"
            ),
            *per_measured_shard("results/pointclouds/{source}/{shard}.gaps.parquet"),
        ],
        photos=photo_drop_tables(),
    output:
        report(
            "results/vqa/gallery.html",
            caption="report/gallery.rst",
            category="Questions",
            labels={"page": "questions on their pictures"},
        ),
    log:
        "logs/vqa/write_gallery.log",
    benchmark:
        "results/benchmarks/vqa/write_gallery.tsv"
    conda:
        "../envs/exports.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.vqa.browse.page"),
        settings=section_json(config["vqa"], GallerySettings),
        seed=config["seed"],
        clouds=per_measured_shard("results/pointclouds/{source}/{shard}.zarr"),
    message:
        "Write results/vqa/gallery.html"
    shell:
        "python -m workflow_scripts.vqa.browse.page --questions {input.questions}"
        " --dropped {input.dropped} --views {input.views} --depth {input.depth}"
        " --measured {params.clouds} --photos {input.photos} --images results/vqa"
        " --settings {params.settings:q} --seed {params.seed} --out {output}"
        " > {log} 2>&1"


rule push_to_hub:
    input:
        card="results/vqa/dataset/README.md",
        splits=expand("results/vqa/dataset/{split}", split=SPLITS),
    output:
        pushed="results/vqa/pushed.json",
    log:
        "logs/vqa/push_to_hub.log",
    localrule: True
    conda:
        "../envs/exports.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        code=code_of("workflow_scripts.vqa.export.push"),
        settings=section_json(config["vqa"]["hub"], PushSettings),
    message:
        "Push the data set to the hub: {params.settings}"
    shell:
        "python -m workflow_scripts.vqa.export.push --folder results/vqa/dataset"
        " --settings {params.settings:q} --out {output.pushed}"
        " > {log} 2>&1"
