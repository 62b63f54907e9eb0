include: "functions/evaluate.smk"


rule predict_answers:
    input:
        questions=question_set_file,
        images=question_set_images,
        base=base_folder,
        adapter=trained_weights,
    output:
        answers="results/evaluate/{experiment}/{question_set}.{condition}.{part}.jsonl",
    log:
        "logs/evaluate/{question_set}.{experiment}.{condition}.{part}.log",
    benchmark:
        "results/benchmarks/evaluate/{question_set}.{experiment}.{condition}.{part}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        gpu=0,
        nodes=1,
        mem_mb=3000,
        runtime=120,
    params:
        code=code_of("workflow_scripts.evaluate.predict"),
        base=base_model,
        adapter=subpath(input.adapter, parent=True),
        batch_size=lookup("evaluate/batch_size", within=config),
        num_parts=lookup("evaluate/num_parts", within=config),
        families=family_flags,
        images=question_set_image_folder,
        max_new_tokens=max_answer_tokens,
    message:
        "Ask {wildcards.experiment} {input.questions} ({wildcards.condition}, part {wildcards.part})"
    shell:
        "python -m workflow_scripts.evaluate.predict --questions {input.questions}"
        " --images {params.images} --max-new-tokens {params.max_new_tokens}"
        " --base {params.base:q} --adapter {params.adapter}"
        " --experiment {wildcards.experiment} --condition {wildcards.condition}"
        " --batch-size {params.batch_size} --part {wildcards.part}"
        " --num-parts {params.num_parts} {params.families} --out {output.answers}"
        " > {log} 2>&1"


rule score_experiment:
    input:
        questions=f"results/vqa/{config['evaluate']['split']}.parquet",
        training="results/vqa/train.parquet",
        image=answer_parts("image"),
        blind=answer_parts("blind"),
        blank=answer_parts("blank"),
    output:
        scores="results/evaluate/{experiment}/scores.csv",
    log:
        "logs/evaluate/score.{experiment}.log",
    benchmark:
        "results/benchmarks/evaluate/score.{experiment}.tsv"
    wildcard_constraints:
        experiment=name_pattern(VLM_EXPERIMENTS),
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("workflow_scripts.evaluate.score"),
        split=lookup("evaluate/split", within=config),
        bootstrap=lookup("evaluate/bootstrap", within=config),
        seed=lookup("seed", within=config),
        families=family_flags,
    message:
        "Score {wildcards.experiment} beside its blind, blank-image and majority baselines"
    shell:
        "python -m workflow_scripts.evaluate.score --questions {input.questions}"
        " --training {input.training} --image {input.image} --blind {input.blind}"
        " --blank {input.blank}"
        " --experiment {wildcards.experiment} --split {params.split}"
        " --bootstrap {params.bootstrap} --seed {params.seed} {params.families}"
        " --out {output.scores}"
        " > {log} 2>&1"


rule import_benchmark:
    input:
        file=lambda wildcards: BENCHMARKS[wildcards.question_set]["path"],
    output:
        question_set="results/evaluate/benchmarks/{question_set}.jsonl",
        pictures=directory("results/evaluate/benchmarks/{question_set}.pictures"),
        skipped="results/evaluate/benchmarks/{question_set}.skipped.jsonl",
    log:
        "logs/evaluate/import.{question_set}.log",
    benchmark:
        "results/benchmarks/evaluate/import.{question_set}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=120,
    params:
        code=code_of("workflow_scripts.evaluate.benchmarks.import_benchmark"),
        form=lambda wildcards: BENCHMARKS[wildcards.question_set]["format"],
        images=lambda wildcards: BENCHMARKS[wildcards.question_set]["images"],
        num_frames=lambda wildcards: BENCHMARKS[wildcards.question_set]["num_frames"],
    message:
        "Import the benchmark {wildcards.question_set}"
    shell:
        "python -m workflow_scripts.evaluate.benchmarks.import_benchmark --file-format {params.form}"
        " --name {wildcards.question_set} --path {input.file:q} --images {params.images:q}"
        " --num-frames {params.num_frames} --out {output.question_set}"
        " --pictures {output.pictures} --skipped {output.skipped} > {log} 2>&1"


rule score_benchmark:
    input:
        questions="results/evaluate/benchmarks/{question_set}.jsonl",
        image=answer_parts("image", "{question_set}"),
        blind=answer_parts("blind", "{question_set}"),
        blank=answer_parts("blank", "{question_set}"),
    output:
        scores="results/evaluate/{experiment}/{question_set}.scores.csv",
    log:
        "logs/evaluate/score.{question_set}.{experiment}.log",
    benchmark:
        "results/benchmarks/evaluate/score.{question_set}.{experiment}.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("workflow_scripts.evaluate.score"),
        bootstrap=lookup("evaluate/bootstrap", within=config),
        seed=lookup("seed", within=config),
    message:
        "Score {wildcards.experiment} on {wildcards.question_set} beside its baselines"
    shell:
        "python -m workflow_scripts.evaluate.score --questions {input.questions}"
        " --image {input.image} --blind {input.blind} --blank {input.blank}"
        " --experiment {wildcards.experiment} --benchmark {wildcards.question_set} --split test"
        " --bootstrap {params.bootstrap} --seed {params.seed} --out {output.scores}"
        " > {log} 2>&1"


rule score_pose:
    input:
        views=demonstration_views(),
        weights="results/train/{experiment}/model.safetensors",
        model="results/train/{experiment}/model.json",
    output:
        scores="results/evaluate/{experiment}/scores.csv",
        frame=report(
            "results/evaluate/{experiment}/keypoints.png",
            caption="report/keypoints.rst",
            category="Evaluation",
            labels={"experiment": "{experiment}", "picture": "keypoints"},
        ),
        errors=report(
            "results/evaluate/{experiment}/errors.png",
            caption="report/keypoints.rst",
            category="Evaluation",
            labels={"experiment": "{experiment}", "picture": "errors"},
        ),
    log:
        "logs/evaluate/score.{experiment}.log",
    benchmark:
        "results/benchmarks/evaluate/score.{experiment}.tsv"
    wildcard_constraints:
        experiment=name_pattern(POSE_EXPERIMENTS),
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=120,
    params:
        code=code_of("workflow_scripts.evaluate.pose.score"),
        model=subpath(input.weights, parent=True),
        split=lookup("evaluate/split", within=config),
        noise=lookup("evaluate/keypoint_noise", within=config),
        bootstrap=lookup("evaluate/bootstrap", within=config),
        seed=lookup("seed", within=config),
    message:
        "Score {wildcards.experiment} beside geometric baselines"
    shell:
        "python -m workflow_scripts.evaluate.pose.score --views {input.views}"
        " --model {params.model} --experiment {wildcards.experiment}"
        " --split {params.split} --noise {params.noise} --bootstrap {params.bootstrap}"
        " --seed {params.seed} --out {output.scores} --frame {output.frame}"
        " --errors {output.errors} > {log} 2>&1"


rule merge_scores:
    input:
        scores=score_files(),
    output:
        report(
            "results/eval.csv",
            caption="report/eval.rst",
            category="Evaluation",
            labels={"table": "scores"},
        ),
    log:
        "logs/evaluate/merge.log",
    benchmark:
        "results/benchmarks/evaluate/merge.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code_of("workflow_scripts.evaluate.merge"),
    message:
        "Join the scores of every experiment"
    shell:
        "python -m workflow_scripts.evaluate.merge --scores {input.scores} --out {output}"
        " > {log} 2>&1"


rule write_report:
    input:
        scores="results/eval.csv",
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
            *expand(
                "results/evaluate/benchmarks/{name}.skipped.jsonl", name=BENCHMARKS
            ),
        ],
        dropped=dropped_question_tables(),
        depth=per_estimated_shard("results/depth/{source}/{shard}.parquet", "depth"),
        metrics=expand(
            "results/train/{experiment}/metrics.json", experiment=EXPERIMENTS
        ),
        curves=training_curves(),
        pictures=report_pictures(),
    output:
        report(
            "results/report.html",
            caption="report/report.rst",
            category="Evaluation",
            labels={"table": "everything on one page"},
        ),
    log:
        "logs/evaluate/report.log",
    benchmark:
        "results/benchmarks/evaluate/report.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("workflow_scripts.evaluate.report"),
        experiments=list(EXPERIMENTS),
    message:
        "Write results/report.html"
    shell:
        "python -m workflow_scripts.evaluate.report --scores {input.scores}"
        " --scenes {input.scenes} --views {input.views} --pointclouds {input.clouds}"
        " --questions {input.questions} --captions {input.captions}"
        " --skipped {input.skipped} --dropped {input.dropped} --depth {input.depth}"
        " --experiments {params.experiments} --metrics {input.metrics} --curves {input.curves}"
        " --pictures {input.pictures} --out {output} > {log} 2>&1"
