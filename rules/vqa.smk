from workflow_scripts.config.evaluate import BootstrapSettings
from workflow_scripts.config.vqa import (
    CardSettings,
    ClaritySettings,
    GallerySettings,
    PushSettings,
    QuestionSettings,
    ReasoningSettings,
)


include: "functions/vqa.smk"


PARAPHRASE_COST = as_workflow_error(
    question_params.paraphrase_cost_message, config, num_question_views()
)


rule generate_questions:
    input:
        views="results/views/{source}/{shard}.zarr",
        rows="results/views/{source}/{shard}.views.parquet",
        objects="results/views/{source}/{shard}.objects.parquet",
        visibility="results/views/{source}/{shard}.visibility.parquet",
        measured=measurement_tables,
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
        reasoning="--with-reasoning" if config["vqa"]["reasoning"] != "none" else "",
        seed=config["seed"],
    message:
        "Ask about the views of {wildcards.source} shard {wildcards.shard}"
    shell:
        "python -m workflow_scripts.vqa.generate_questions --views {input.views}"
        " --out {output.questions} --images {output.images}"
        " --dropped {output.dropped} --picture {output.picture} --settings {params.settings:q}"
        " {params.clouds} {params.reasoning} --seed {params.seed} > {log} 2>&1"


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
        conversations="results/vqa/{split}.json",
        questions="results/vqa/{split}.parquet",
        dropped="results/vqa/{split}.dropped.jsonl",
    log:
        "logs/vqa/merge_questions/{split}.log",
    benchmark:
        "results/benchmarks/vqa/merge_questions/{split}.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.vqa.merge"),
        settings=section_json(config["vqa"], ReasoningSettings),
    message:
        "Merge the questions of split {wildcards.split}"
    shell:
        "python -m workflow_scripts.vqa.merge --shards {input.shards}"
        " --skipped {input.skipped}"
        " --split {wildcards.split} --out {output.conversations}"
        " --table {output.questions} --dropped {output.dropped}"
        " --settings {params.settings:q} > {log} 2>&1"


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
            has_houses=bool(sources_with_scenes("house")),
            is_measured=any(map(uses_measurements, sources_with_stage("vqa"))),
        ),
        settings=section_json(config["vqa"]["hub"], CardSettings),
    message:
        "Write the card of the data set"
    shell:
        "python -m workflow_scripts.vqa.export.card --questions {input.questions}"
        " --dropped {input.dropped} --photos {input.photos}"
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


rule audit_shard:
    input:
        views="results/views/{source}/{shard}.zarr",
        rows="results/views/{source}/{shard}.views.parquet",
        objects="results/views/{source}/{shard}.objects.parquet",
        visibility="results/views/{source}/{shard}.visibility.parquet",
        measured=audit_tables,
    output:
        facts="results/vqa/{source}/{shard}.audit.parquet",
    log:
        "logs/vqa/audit_shard/{source}/{shard}.log",
    benchmark:
        "results/benchmarks/vqa/audit_shard/{source}/{shard}.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.vqa.audit"),
        clouds="results/pointclouds/{source}/{shard}.zarr",
        sensor_noise="results/pointclouds/{source}/{shard}.sensor_noise.zarr",
        labels=lambda wildcards: (
            "estimate" if is_estimated(wildcards.source) else "clouds"
        ),
        settings=section_json(config["vqa"], ClaritySettings),
        seed=config["seed"],
    message:
        "Audit the labels of {wildcards.source} shard {wildcards.shard} against ground truth"
    shell:
        "python -m workflow_scripts.vqa.audit --views {input.views} --out {output.facts}"
        " --labels {params.labels} sensor_noise"
        " --clouds {params.clouds} {params.sensor_noise}"
        " --settings {params.settings:q} --seed {params.seed} > {log} 2>&1"


rule write_audit:
    input:
        facts=per_auditable_shard("results/vqa/{source}/{shard}.audit.parquet"),
        questions=expand("results/vqa/{split}.parquet", split=SPLITS),
    output:
        audit="results/vqa/audit.csv",
        picture=report(
            "results/vqa/audit.png",
            caption="report/audit.rst",
            category="Questions",
            labels={"page": "label audit"},
        ),
    log:
        "logs/vqa/write_audit.log",
    benchmark:
        "results/benchmarks/vqa/write_audit.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.vqa.audit_table"),
        settings=section_json(config["evaluate"], BootstrapSettings),
        seed=config["seed"],
    message:
        "Write the label audit"
    shell:
        "python -m workflow_scripts.vqa.audit_table --facts {input.facts}"
        " --questions {input.questions} --out {output.audit} --picture {output.picture}"
        " --settings {params.settings:q} --seed {params.seed} > {log} 2>&1"


rule audit_questions:
    input:
        questions=expand("results/vqa/{split}.parquet", split=SPLITS),
        views=per_auditable_shard("results/views/{source}/{shard}.zarr"),
        tables=[
            per_auditable_shard(f"results/views/{{source}}/{{shard}}.{table}.parquet")
            for table in ("views", "objects", "visibility")
        ],
    output:
        table="results/vqa/audit_questions.csv",
        page=report(
            "results/vqa/audit_questions.html",
            caption="report/audit_questions.rst",
            category="Questions",
            labels={"page": "audit of questions"},
        ),
    log:
        "logs/vqa/audit_questions.log",
    benchmark:
        "results/benchmarks/vqa/audit_questions.tsv"
    conda:
        "../envs/geometry.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.vqa.audit_questions"),
        settings=section_json(config["vqa"], ClaritySettings),
        bootstrap_samples=config["evaluate"]["bootstrap_samples"],
        seed=config["seed"],
    message:
        "Audit what questions give away without their pictures, and what they show"
    shell:
        "python -m workflow_scripts.vqa.audit_questions --questions {input.questions}"
        " --views {input.views} --out {output.table} --report {output.page}"
        " --settings {params.settings:q} --bootstrap-samples {params.bootstrap_samples}"
        " --seed {params.seed} > {log} 2>&1"
