from workflow_scripts.config.evaluate import BootstrapSettings
from workflow_scripts.config.vqa import ClaritySettings


rule audit_shard:
    input:
        views="results/views/{source}/{shard}.zarr",
        rows="results/views/{source}/{shard}.views.parquet",
        objects="results/views/{source}/{shard}.objects.parquet",
        visibility="results/views/{source}/{shard}.visibility.parquet",
        gaps=surface_gap_table,
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
        text_only="results/vqa/text_only.csv",
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
        " --questions {input.questions} --text-only {input.text_only}"
        " --out {output.audit} --picture {output.picture}"
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
        "Audit which questions can be answered without the image"
    shell:
        "python -m workflow_scripts.vqa.audit_questions --questions {input.questions}"
        " --views {input.views} --out {output.table} --report {output.page}"
        " --settings {params.settings:q} --bootstrap-samples {params.bootstrap_samples}"
        " --seed {params.seed} > {log} 2>&1"
