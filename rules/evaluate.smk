from workflow_scripts.config.evaluate import BenchmarkFileSettings, ScoreSettings
from workflow_scripts.evaluate import paths
from workflow_scripts.sources.base import ALL_STAGES
from workflow_scripts.train.paths import TINY_BASE, training_curves, uses_tiny_base


include: "functions/evaluate.smk"
include: "evaluate_rooms.smk"


QUESTION_SETS = paths.QuestionSets(config)
# The tiny base is scored where an experiment uses it and there are houses to look at.
BASE_SCORES = (
    [paths.PATCH_SCORES]
    if uses_tiny_base(EXPERIMENTS.values(), CONTEXT) and sources_with_scenes("house")
    else []
)


# Those that load a model, which a profile may give a GPU, and those that ask a server.
PREDICTOR_RULES = sorted(
    {
        (predictor.rule, predictor.limits is not None)
        for kind in EXPERIMENT_KINDS.values()
        for predictor in kind.predictors
    }
)


for _rule, _has_limits in PREDICTOR_RULES:

    rule:
        name:
            _rule
        input:
            unpack(
                lambda wildcards: EXPERIMENTS[wildcards.experiment]
                .predictor_arguments(CONTEXT)
                .waits_for()
            ),
            questions=lambda wildcards: question_files(wildcards).questions,
            images=lambda wildcards: QUESTION_SETS.images(wildcards.question_set),
        output:
            answers="results/evaluate/{experiment}/{question_set}.{condition}.{part}.jsonl",
        log:
            f"logs/evaluate/{_rule}/{{experiment}}/{{question_set}}.{{condition}}.{{part}}.log",
        benchmark:
            f"results/benchmarks/evaluate/{_rule}/{{experiment}}/{{question_set}}.{{condition}}.{{part}}.tsv"
        wildcard_constraints:
            experiment=name_pattern(
                name
                for name, experiment in EXPERIMENTS.items()
                if experiment.predictor and experiment.predictor.rule == _rule
            ),
        conda:
            "../envs/evaluate.yaml"
        threads: 1
        resources:
            **(
                {
                    "openai_calls": lambda wildcards: EXPERIMENTS[wildcards.experiment]
                    .request_limits()
                    .concurrency,
                    "max_cost_usd": lambda wildcards: str(
                        EXPERIMENTS[wildcards.experiment].request_limits().max_cost_usd
                    ),
                }
                if _has_limits
                else {"gpu": 0, "nodes": 1}
            ),
            mem_mb=3000,
            runtime=120,
        params:
            code=lambda wildcards: code_of(
                EXPERIMENTS[wildcards.experiment].predictor.module
            )(wildcards),
            module=lambda wildcards: EXPERIMENTS[wildcards.experiment].predictor.module,
            arguments=lambda wildcards: EXPERIMENTS[wildcards.experiment]
            .predictor_arguments(CONTEXT)
            .command_line(),
            images=lambda wildcards: question_files(wildcards).images,
            max_new_tokens=lambda wildcards: question_files(wildcards).max_new_tokens,
        message:
            "Predict answers of {wildcards.experiment} to {input.questions} ({wildcards.condition}, part {wildcards.part})"
        shell:
            "python -m {params.module} {params.arguments} --experiment {wildcards.experiment}"
            " --questions {input.questions} --images {params.images}"
            " --condition {wildcards.condition} --part {wildcards.part}"
            " --max-new-tokens {params.max_new_tokens} --out {output.answers}"
            + (
                " --concurrency {resources.openai_calls} --max-cost-usd {resources.max_cost_usd}"
                if _has_limits
                else ""
            )
            + " > {log} 2>&1"


# A rule for every kind of experiment: they draw different pictures.
for _kind in EXPERIMENT_KINDS.values():

    rule:
        name:
            f"score_{_kind.name}"
        input:
            unpack(
                lambda wildcards: EXPERIMENTS[wildcards.experiment]
                .scorer_arguments(CONTEXT)
                .waits_for()
            ),
        output:
            scores="results/evaluate/{experiment}/scores.parquet",
            csv="results/evaluate/{experiment}/scores.csv",
            pictures=[
                report(
                    f"results/evaluate/{{experiment}}/{picture.file}",
                    caption=picture.caption,
                    category="Evaluation",
                    labels={"experiment": "{experiment}", "picture": picture.label},
                )
                for picture in _kind.scorer.pictures
            ],
        log:
            f"logs/evaluate/score_{_kind.name}/{{experiment}}.log",
        benchmark:
            f"results/benchmarks/evaluate/score_{_kind.name}/{{experiment}}.tsv"
        wildcard_constraints:
            experiment=name_pattern(
                name
                for name, experiment in EXPERIMENTS.items()
                if experiment.kind is _kind
            ),
        conda:
            "../envs/evaluate.yaml"
        threads: 1
        resources:
            mem_mb=_kind.scorer.mem_mb,
            runtime=_kind.scorer.runtime,
        params:
            code=code_of(_kind.scorer.module),
            module=_kind.scorer.module,
            arguments=lambda wildcards: EXPERIMENTS[wildcards.experiment]
            .scorer_arguments(CONTEXT)
            .command_line(),
            pictures=[
                f"--{picture.flag} results/evaluate/{{experiment}}/{picture.file}"
                for picture in _kind.scorer.pictures
            ],
            seed=lookup("seed", within=config),
        message:
            "Score {wildcards.experiment} and its baselines"
        shell:
            "python -m {params.module} {params.arguments} --experiment {wildcards.experiment}"
            " --seed {params.seed} {params.pictures} --out {output.scores} > {log} 2>&1"


rule score_patch_naming:
    input:
        base=TINY_BASE,
        views=per_shard("results/views/{source}/{shard}.zarr", scene_kind="house"),
    output:
        scores=paths.PATCH_SCORES,
        csv=paths.PATCH_SCORES.replace(".parquet", ".csv"),
    log:
        "logs/evaluate/score_patch_naming.log",
    benchmark:
        "results/benchmarks/evaluate/score_patch_naming.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.evaluate.score_patch_naming"),
        settings=section_json(config["evaluate"], ScoreSettings),
        seed=lookup("seed", within=config),
    message:
        "Score how the tiny base names image patches"
    shell:
        "python -m workflow_scripts.evaluate.score_patch_naming --base {input.base}"
        " --views {input.views} --settings {params.settings:q} --seed {params.seed}"
        " --out {output.scores} > {log} 2>&1"


rule import_benchmark:
    input:
        file=lambda wildcards: listed([BENCHMARKS[wildcards.question_set]["path"]]),
    output:
        question_set="results/evaluate/benchmarks/{question_set}.jsonl",
        pictures=directory("results/evaluate/benchmarks/{question_set}.pictures"),
        skipped="results/evaluate/benchmarks/{question_set}.skipped.jsonl",
    log:
        "logs/evaluate/import_benchmark/{question_set}.log",
    benchmark:
        "results/benchmarks/evaluate/import_benchmark/{question_set}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=120,
    params:
        code=code_of("workflow_scripts.evaluate.benchmarks.import_benchmark"),
        settings=lambda wildcards: section_json(
            BENCHMARKS[wildcards.question_set], BenchmarkFileSettings
        ),
        file=lambda wildcards: unlisted_digest(
            [BENCHMARKS[wildcards.question_set]["path"]]
        ),
    message:
        "Import the benchmark {wildcards.question_set}"
    shell:
        "python -m workflow_scripts.evaluate.benchmarks.import_benchmark"
        " --name {wildcards.question_set} --settings {params.settings:q}"
        " --out {output.question_set} --pictures {output.pictures}"
        " --skipped {output.skipped} > {log} 2>&1"


rule score_benchmark:
    input:
        questions="results/evaluate/benchmarks/{question_set}.jsonl",
        image=lambda wildcards: EXPERIMENTS[wildcards.experiment].answer_files(
            "image", CONTEXT, question_set=wildcards.question_set
        ),
        blind=lambda wildcards: EXPERIMENTS[wildcards.experiment].answer_files(
            "blind", CONTEXT, question_set=wildcards.question_set
        ),
        blank=lambda wildcards: EXPERIMENTS[wildcards.experiment].answer_files(
            "blank", CONTEXT, question_set=wildcards.question_set
        ),
    output:
        scores="results/evaluate/{experiment}/{question_set}.scores.parquet",
        csv="results/evaluate/{experiment}/{question_set}.scores.csv",
    log:
        "logs/evaluate/score_benchmark/{experiment}/{question_set}.log",
    benchmark:
        "results/benchmarks/evaluate/score_benchmark/{experiment}/{question_set}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("workflow_scripts.evaluate.score"),
        settings=section_json({**config["evaluate"], "split": "test"}, ScoreSettings),
        seed=lookup("seed", within=config),
    message:
        "Score {wildcards.experiment} on {wildcards.question_set} with its baselines"
    shell:
        "python -m workflow_scripts.evaluate.score --questions {input.questions}"
        " --image {input.image} --blind {input.blind} --blank {input.blank}"
        " --experiment {wildcards.experiment} --benchmark {wildcards.question_set}"
        " --settings {params.settings:q} --seed {params.seed} --out {output.scores}"
        " > {log} 2>&1"


rule merge_scores:
    input:
        scores=[
            *BASE_SCORES,
            *(
                path
                for experiment in EXPERIMENTS.values()
                for path in paths.score_files(experiment, BENCHMARKS)
            ),
        ],
    output:
        report(
            "results/eval.csv",
            caption="report/eval.rst",
            category="Evaluation",
            labels={"table": "headline scores"},
        ),
    log:
        "logs/evaluate/merge_scores.log",
    benchmark:
        "results/benchmarks/evaluate/merge_scores.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code_of("workflow_scripts.evaluate.merge"),
    message:
        "Merge the headline scores of all experiments"
    shell:
        "python -m workflow_scripts.evaluate.merge --scores {input.scores} --out {output}"
        " > {log} 2>&1"


rule write_report:
    input:
        eval_table="results/eval.csv",
        scores=[
            path
            for experiment in EXPERIMENTS.values()
            for path in paths.score_files(experiment, BENCHMARKS)
        ],
        scenes=per_shard("results/scenes/{source}/{shard}.jsonl"),
        views=per_shard("results/views/{source}/{shard}.zarr"),
        clouds=per_shard("results/pointclouds/{source}/{shard}.zarr"),
        statistics=expand(
            "results/pointclouds/{source}/statistics.json",
            source=sources_with_stage("pointclouds"),
        ),
        questions=expand("results/vqa/{split}.parquet", split=SPLITS),
        captions=[
            *per_shard("results/captions/{source}/{shard}.jsonl"),
            *expand(
                "results/captions/{source}/assets.jsonl",
                source=sources_with_stage("captions"),
            ),
        ],
        skipped=[
            *per_shard("results/views/{source}/{shard}.skipped.jsonl"),
            *per_shard(
                "results/views/{source}/{shard}.frames.skipped.jsonl",
                scene_kind="scan",
            ),
            *expand(
                "results/evaluate/benchmarks/{name}.skipped.jsonl", name=BENCHMARKS
            ),
        ],
        dropped=[*dropped_question_tables(), *dropped_room_prompts()],
        depth=per_estimated_shard("results/depth/{source}/{shard}.parquet", "depth"),
        metrics=[
            path
            for experiment in EXPERIMENTS.values()
            for path in paths.training_metrics(experiment)
        ],
        curves=training_curves(EXPERIMENTS.values(), CONTEXT),
        pictures=[
            *(
                f"results/{stage}/{source}/{shard}.png"
                for stage in ALL_STAGES
                for source in sources_with_stage(stage)
                for shard in list(SHARDS[source])[:SHARDS_IN_REPORT]
            ),
            *(
                f"results/views/{source}/{shard}.plan.png"
                for source in sources_with_scenes("scan")
                for shard in list(SHARDS[source])[:SHARDS_IN_REPORT]
            ),
        ],
        score_pictures=[
            path
            for experiment in EXPERIMENTS.values()
            for path in paths.picture_files(experiment, config).values()
        ],
    output:
        report(
            "results/report.html",
            caption="report/report.rst",
            category="Evaluation",
            labels={"table": "everything on one page"},
        ),
    log:
        "logs/evaluate/write_report.log",
    benchmark:
        "results/benchmarks/evaluate/write_report.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("workflow_scripts.evaluate.report"),
        experiments=paths.reported_experiments(EXPERIMENTS.values(), BENCHMARKS, config),
    message:
        "Write results/report.html"
    shell:
        "python -m workflow_scripts.evaluate.report --eval-table {input.eval_table}"
        " --experiments {params.experiments:q}"
        " --scenes {input.scenes} --views {input.views} --pointclouds {input.clouds}"
        " --questions {input.questions} --captions {input.captions}"
        " --skipped {input.skipped} --dropped {input.dropped} --depth {input.depth}"
        " --curves {input.curves} --pictures {input.pictures} --out {output} > {log} 2>&1"
