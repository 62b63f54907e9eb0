from workflow_scripts.config.train import TinyBaseSettings

# Trainings start a job and wait for it: the resources say where ranks run. Checkpoints lie beside
# the outputs, undeclared, because Snakemake removes what a failed job declared.
WHERE_RANKS_RUN = (
    "--cluster {resources.cluster} --nodes {resources.nodes} --gpus {resources.gpu}"
    " --gpu-model '{resources.gpu_model}' --partition '{resources.slurm_partition}'"
    " --account '{resources.slurm_account}' --minutes {resources.runtime}"
    " --mem-mb {resources.mem_mb} --threads {resources.cpus_per_gpu} > {log} 2>&1"
)

# Kinds may share a rule; its first kind names what the curves show.
TRAINING_RULES = {}
for _kind in EXPERIMENT_KINDS.values():
    for _rule in _kind.training.rules if _kind.training else ():
        TRAINING_RULES.setdefault(_rule.name, (_rule, _kind.training.curves))

# Which training rules have a job in this configuration.
TRAINS = {
    name: any(experiment.is_trained_by(rule) for experiment in EXPERIMENTS.values())
    for name, (rule, _) in TRAINING_RULES.items()
}
TRAINS["pretrain_base"] = any(
    path.startswith("results/train/base/")
    for experiment in EXPERIMENTS.values()
    if experiment.is_trained
    for path in experiment.training_arguments(CONTEXT).paths()
)

if TRAINS["pretrain_base"] and not (PRETRAINING_SHARDS or PRETRAINING_SOURCES):
    stop(
        "train.tiny: num_houses is 0 and sources names no source that is on, so the tiny base has"
        " nothing to learn from; raise num_houses or name a source"
    )


rule pretrain_base:
    input:
        views=[
            *expand(
                "results/views/pretraining/{shard}.zarr", shard=PRETRAINING_SHARDS
            ),
            *(
                path
                for source in PRETRAINING_SOURCES
                for path in per_shard(
                    "results/views/{source}/{shard}.zarr", source=source
                )
            ),
        ],
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
        "logs/train/pretrain_base/tiny.log",
    benchmark:
        "results/benchmarks/train/pretrain_base/tiny.tsv"
    priority: 3
    localrule: True
    conda:
        "../envs/train.yaml"
    # Other jobs run beside it: with a second thread it would be a fifth faster only.
    threads: 1
    resources:
        gpu=0,
        gpu_model="",
        nodes=1,
        mem_mb=4000,
        runtime=120,
        cpus_per_gpu=1,
        slurm_partition="",
        slurm_account="",
        cluster="local",
    params:
        code=code_of("workflow_scripts.train.base.launch"),
        out=subpath(output.model, parent=True),
        settings=section_json(config["train"]["tiny"], TinyBaseSettings),
        seed=lookup("seed", within=config),
    message:
        "Pre-train the tiny base on views of the training houses"
    shell:
        "python -m workflow_scripts.train.base.launch --name tiny --views {input.views}"
        " --out {params.out} --settings {params.settings:q} --seed {params.seed}"
        f" {WHERE_RANKS_RUN}"


# A rule for every set of output files.
for _rule, _curves in TRAINING_RULES.values():

    rule:
        name:
            _rule.name
        input:
            unpack(
                lambda wildcards: EXPERIMENTS[wildcards.experiment]
                .training_arguments(CONTEXT)
                .waits_for()
            ),
        output:
            **{
                name: f"results/train/{{experiment}}/{file}"
                for name, file in _rule.outputs.items()
            },
            card="results/train/{experiment}/README.md",
            metrics="results/train/{experiment}/metrics.json",
            settings="results/train/{experiment}/config.yaml",
            curves=report(
                "results/train/{experiment}/curves.png",
                caption="report/training.rst",
                category="Training",
                labels={
                    "experiment": "{experiment}",
                    "picture": _curves,
                },
            ),
        log:
            f"logs/train/{_rule.name}/{{experiment}}.log",
        benchmark:
            f"results/benchmarks/train/{_rule.name}/{{experiment}}.tsv"
        wildcard_constraints:
            experiment=name_pattern(
                name
                for name, experiment in EXPERIMENTS.items()
                if experiment.is_trained_by(_rule)
            ),
        priority: 1
        localrule: True
        conda:
            "../envs/train.yaml"
        threads: lambda wildcards: EXPERIMENTS[wildcards.experiment].threads
        resources:
            gpu=0,
            gpu_model="",
            nodes=1,
            mem_mb=3000,
            runtime=1440,
            cpus_per_gpu=lambda wildcards: EXPERIMENTS[
                wildcards.experiment
            ].cpus_per_rank,
            slurm_partition="",
            slurm_account="",
            cluster="local",
        params:
            code=lambda wildcards: code_of(
                EXPERIMENTS[wildcards.experiment].training.module
            )(wildcards),
            module=lambda wildcards: EXPERIMENTS[wildcards.experiment].training.module,
            arguments=lambda wildcards: EXPERIMENTS[wildcards.experiment]
            .training_arguments(CONTEXT)
            .command_line(),
            out=subpath(output.card, parent=True),
            seed=lookup("seed", within=config),
        message:
            "Train {wildcards.experiment}"
        shell:
            "python -m {params.module} --name {wildcards.experiment} --out {params.out}"
            " {params.arguments} --seed {params.seed}"
            f" {WHERE_RANKS_RUN}"
