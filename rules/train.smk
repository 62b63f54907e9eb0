include: "functions/train.smk"


rule pretrain_base:
    input:
        views=per_shard("results/views/{source}/{shard}.zarr", stage="vqa"),
    output:
        model=directory("results/train/base/tiny"),
        metrics="results/train/base/tiny.metrics.json",
        curves=report(
            "results/train/base/tiny.curves.png",
            caption="report/pretraining.rst",
            category="Training",
            labels={"experiment": "tiny base", "picture": "pre-training losses"},
        ),
    log:
        "logs/train/base/pretrain.tiny.log",
    benchmark:
        "results/benchmarks/train/base/pretrain.tiny.tsv"
    conda:
        "../envs/train.yaml"
    threads: 2
    resources:
        gpu=0,
        nodes=1,
        mem_mb=3000,
        runtime=120,
    params:
        code=code_of("workflow_scripts.train.base.pretrain"),
        steps=lookup("train/tiny/steps", within=config),
        batch_size=lookup("train/tiny/batch_size", within=config),
        named_fraction=lookup("train/tiny/named_fraction", within=config),
        seed=lookup("seed", within=config),
    message:
        "Pre-train the tiny base on views of the training houses"
    shell:
        "python -m workflow_scripts.train.base.pretrain --views {input.views}"
        " --out {output.model} --metrics {output.metrics} --curves {output.curves}"
        " --checkpoints results/train/base/checkpoints --steps {params.steps}"
        " --batch-size {params.batch_size} --named-fraction {params.named_fraction}"
        " --seed {params.seed} > {log} 2>&1"


# It only starts a training and waits: the flags from resources say on what, and where.
# Checkpoints lie beside the outputs, undeclared, for Snakemake removes what a failed job declared.
rule train_experiment:
    input:
        data="results/vqa/train.json",
        validation="results/vqa/val.json",
        families=expand("results/vqa/{split}.parquet", split=["train", "val"]),
        base=base_folder,
    output:
        weights="results/train/{experiment}/adapter_model.safetensors",
        config="results/train/{experiment}/adapter_config.json",
        card="results/train/{experiment}/README.md",
        metrics="results/train/{experiment}/metrics.json",
        settings="results/train/{experiment}/config.yaml",
        curves=report(
            "results/train/{experiment}/curves.png",
            caption="report/training.rst",
            category="Training",
            labels={"experiment": "{experiment}", "picture": "losses"},
        ),
    log:
        "logs/train/train.{experiment}.log",
    benchmark:
        "results/benchmarks/train/train.{experiment}.tsv"
    wildcard_constraints:
        experiment=experiments_with("lora"),
    localrule: True
    conda:
        "../envs/train.yaml"
    threads: 2
    resources:
        gpu=0,
        gpu_model="",
        nodes=1,
        mem_mb=3000,
        runtime=1440,
        cpus_per_gpu=0,
        slurm_partition="",
        slurm_account="",
        cluster="local",
    params:
        code=code_of("workflow_scripts.train.launch"),
        out=subpath(output.weights, parent=True),
        base=base_model,
        flags=experiment_flags,
        seed=lookup("seed", within=config),
    message:
        "Train {wildcards.experiment} from {params.base}"
    shell:
        "python -m workflow_scripts.train.launch --name {wildcards.experiment}"
        " --base {params.base:q} --data {input.data} --validation {input.validation}"
        " --images results/vqa --out {params.out} {params.flags} --seed {params.seed}"
        " --cluster {resources.cluster} --nodes {resources.nodes} --gpus {resources.gpu}"
        " --gpu-model '{resources.gpu_model}' --partition '{resources.slurm_partition}'"
        " --account '{resources.slurm_account}' --minutes {resources.runtime}"
        " --mem-mb {resources.mem_mb} --threads {resources.cpus_per_gpu} > {log} 2>&1"


use rule train_experiment as train_full_finetune with:
    output:
        weights="results/train/{experiment}/model.safetensors",
        config="results/train/{experiment}/config.json",
        card="results/train/{experiment}/README.md",
        metrics="results/train/{experiment}/metrics.json",
        settings="results/train/{experiment}/config.yaml",
        curves=report(
            "results/train/{experiment}/curves.png",
            caption="report/training.rst",
            category="Training",
            labels={"experiment": "{experiment}", "picture": "losses"},
        ),
    wildcard_constraints:
        experiment=experiments_with("none"),


# `use rule` hands on everything but this: without it the launcher itself would go to a node.
localrules:
    train_full_finetune,


# A lifter of 2D keypoints, or a detector on the pictures: see train_experiment for how it starts.
rule train_pose:
    input:
        views=demonstration_views(),
        leaks=per_demonstration_source("results/views/{source}/leaks.json"),
    output:
        weights="results/train/{experiment}/model.safetensors",
        model="results/train/{experiment}/model.json",
        card="results/train/{experiment}/README.md",
        metrics="results/train/{experiment}/metrics.json",
        settings="results/train/{experiment}/config.yaml",
        curves=report(
            "results/train/{experiment}/curves.png",
            caption="report/training.rst",
            category="Training",
            labels={"experiment": "{experiment}", "picture": "loss and error"},
        ),
    log:
        "logs/train/train.{experiment}.log",
    benchmark:
        "results/benchmarks/train/train.{experiment}.tsv"
    wildcard_constraints:
        experiment=name_pattern(POSE_EXPERIMENTS),
    localrule: True
    conda:
        "../envs/train.yaml"
    threads: pose_threads
    resources:
        gpu=0,
        gpu_model="",
        nodes=1,
        mem_mb=3000,
        runtime=1440,
        cpus_per_gpu=pose_threads,
        slurm_partition="",
        slurm_account="",
        cluster="local",
    params:
        code=code_of("workflow_scripts.train.pose.launch"),
        out=subpath(output.weights, parent=True),
        flags=pose_flags,
        seed=lookup("seed", within=config),
    message:
        "Train the keypoint model {wildcards.experiment}"
    shell:
        "python -m workflow_scripts.train.pose.launch --name {wildcards.experiment}"
        " --views {input.views} --out {params.out} {params.flags} --seed {params.seed}"
        " --cluster {resources.cluster} --nodes {resources.nodes} --gpus {resources.gpu}"
        " --gpu-model '{resources.gpu_model}' --partition '{resources.slurm_partition}'"
        " --account '{resources.slurm_account}' --minutes {resources.runtime}"
        " --mem-mb {resources.mem_mb} --threads {resources.cpus_per_gpu} > {log} 2>&1"
