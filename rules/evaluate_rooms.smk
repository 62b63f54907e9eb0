from workflow_scripts.config.evaluate import CompareRebuiltSettings
from workflow_scripts.config.reconstruction import RebuildSettings
from workflow_scripts.config.views import RendererSettings
from workflow_scripts.evaluate import paths


include: "functions/evaluate_rooms.smk"


FOCAL_SETS = paths.focal_sets(config)
FOCAL_SCORES = [
    f"results/evaluate/{name}/{folder}scores.parquet"
    for name in ROOM_EXPERIMENTS
    for folder in ("", *(f"{focal}/" for focal in FOCAL_SETS))
    if FOCAL_SETS
]


# Experiments whose prompts say K when they are scored.
GIVEN_INTRINSICS = [
    name
    for name in ROOM_EXPERIMENTS
    if EXPERIMENTS[name].settings.test_input.prompt.intrinsics
]


# Some rooms as an experiment's model wrote them, as houses that can be drawn.
rule rebuild_rooms:
    input:
        questions=lambda wildcards: EXPERIMENTS[wildcards.experiment]
        .own_questions(CONTEXT)
        .questions,
        rooms=per_shard(
            "results/vqa/{source}/{shard}.rooms.parquet", scene_kind="house"
        ),
        image=lambda wildcards: EXPERIMENTS[wildcards.experiment].answer_files(
            "image", CONTEXT
        ),
    output:
        rooms="results/evaluate/{experiment}/rebuilt.jsonl",
    log:
        "logs/evaluate/rebuild_rooms/{experiment}.log",
    benchmark:
        "results/benchmarks/evaluate/rebuild_rooms/{experiment}.tsv"
    wildcard_constraints:
        experiment=name_pattern(ROOM_EXPERIMENTS),
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("workflow_scripts.evaluate.reconstruction.rebuild_rooms"),
        settings=lambda wildcards: section_json(
            {
                **config["evaluate"],
                "layout": EXPERIMENTS[wildcards.experiment].settings.layout.model_dump(
                    mode="json"
                ),
            },
            RebuildSettings,
        ),
    message:
        "Rebuild rooms from the answers of {wildcards.experiment}"
    shell:
        "python -m workflow_scripts.evaluate.reconstruction.rebuild_rooms"
        " --questions {input.questions} --rooms {input.rooms} --image {input.image}"
        " --settings {params.settings:q} --out {output.rooms} > {log} 2>&1"


rule draw_rebuilt_rooms:
    input:
        rooms="results/evaluate/{experiment}/rebuilt.jsonl",
    output:
        views=directory("results/evaluate/{experiment}/rebuilt.zarr"),
        view_rows="results/evaluate/{experiment}/rebuilt.views.parquet",
        object_rows="results/evaluate/{experiment}/rebuilt.objects.parquet",
        visibility_rows="results/evaluate/{experiment}/rebuilt.visibility.parquet",
        gap_rows="results/evaluate/{experiment}/rebuilt.surface_gaps.parquet",
        skipped="results/evaluate/{experiment}/rebuilt.skipped.jsonl",
        credits="results/evaluate/{experiment}/rebuilt.credits.csv",
    log:
        "logs/evaluate/draw_rebuilt_rooms/{experiment}.log",
    benchmark:
        "results/benchmarks/evaluate/draw_rebuilt_rooms/{experiment}.tsv"
    wildcard_constraints:
        experiment=name_pattern(ROOM_EXPERIMENTS),
    conda:
        "../envs/views.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        code=code_of(
            "workflow_scripts.views.render_layouts", backends=[RENDERERS["pathtrace"]]
        ),
        settings=section_json(
            {
                "backend": "pathtrace",
                "preset": config["evaluate"]["rebuilt_preset"],
                "furniture": config["views"]["furniture"],
            },
            RendererSettings,
        ),
        seed=config["seed"],
    message:
        "Render the rooms rebuilt from the answers of {wildcards.experiment}"
    shell:
        "python -m workflow_scripts.views.render_layouts --rooms {input.rooms}"
        " --out {output.views} --settings {params.settings:q} --seed {params.seed}"
        " > {log} 2>&1"


rule compare_rebuilt_rooms:
    input:
        rooms="results/evaluate/{experiment}/rebuilt.jsonl",
        rebuilt="results/evaluate/{experiment}/rebuilt.zarr",
        rebuilt_rows="results/evaluate/{experiment}/rebuilt.views.parquet",
        rebuilt_objects="results/evaluate/{experiment}/rebuilt.objects.parquet",
        views=per_shard(
            "results/views/{source}/{shard}.zarr", stage="vqa", scene_kind="house"
        ),
    output:
        metrics="results/evaluate/{experiment}/rebuilt.csv",
        picture=report(
            "results/evaluate/{experiment}/rebuilt.png",
            caption="report/rebuilt.rst",
            category="Evaluation",
            labels={
                "experiment": "{experiment}",
                "picture": "rooms rebuilt from answers",
            },
        ),
    log:
        "logs/evaluate/compare_rebuilt_rooms/{experiment}.log",
    benchmark:
        "results/benchmarks/evaluate/compare_rebuilt_rooms/{experiment}.tsv"
    wildcard_constraints:
        experiment=name_pattern(ROOM_EXPERIMENTS),
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("workflow_scripts.evaluate.reconstruction.compare_rebuilt"),
        settings=section_json(config["evaluate"], CompareRebuiltSettings),
        seed=config["seed"],
    message:
        "Compare the rebuilt rooms of {wildcards.experiment} with their images"
    shell:
        "python -m workflow_scripts.evaluate.reconstruction.compare_rebuilt"
        " --rooms {input.rooms} --rebuilt {input.rebuilt} --views {input.views}"
        " --experiment {wildcards.experiment} --settings {params.settings:q}"
        " --seed {params.seed} --out {output.metrics} --picture {output.picture}"
        " > {log} 2>&1"


# The same experiments asked about the same rooms drawn with other focal lengths.
rule score_focal_rooms:
    input:
        questions="results/vqa/rooms/{experiment}/focal{percent}/scored.parquet",
        rooms=per_shard(
            "results/vqa/{source}/{shard}.rooms.parquet", scene_kind="house"
        ),
        focal_rooms=lambda wildcards: per_shard(
            f"results/vqa/{{source}}/{{shard}}.focal{wildcards.percent}.rooms.parquet",
            scene_kind="house",
        ),
        image=focal_answers("image"),
        blind=focal_answers("blind"),
        blank=focal_answers("blank"),
    output:
        scores="results/evaluate/{experiment}/focal{percent}/scores.parquet",
        csv="results/evaluate/{experiment}/focal{percent}/scores.csv",
    log:
        "logs/evaluate/score_focal_rooms/{experiment}.focal{percent}.log",
    benchmark:
        "results/benchmarks/evaluate/score_focal_rooms/{experiment}.focal{percent}.tsv"
    wildcard_constraints:
        experiment=name_pattern(ROOM_EXPERIMENTS),
        percent=r"\d{3}",
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("workflow_scripts.evaluate.reconstruction.score"),
        settings=lambda wildcards: EXPERIMENTS[wildcards.experiment]
        .scorer_arguments(CONTEXT)
        .settings,
        seed=config["seed"],
    message:
        "Score {wildcards.experiment} at {wildcards.percent} % of the focal length"
    shell:
        "python -m workflow_scripts.evaluate.reconstruction.score --questions {input.questions}"
        " --rooms {input.rooms} {input.focal_rooms} --image {input.image} --blind {input.blind}"
        " --blank {input.blank} --experiment {wildcards.experiment} --seed {params.seed}"
        " --settings {params.settings:q} --out {output.scores} > {log} 2>&1"


rule compare_focal_lengths:
    input:
        scores=FOCAL_SCORES,
    output:
        "results/focal.csv",
    log:
        "logs/evaluate/compare_focal_lengths.log",
    benchmark:
        "results/benchmarks/evaluate/compare_focal_lengths.tsv"
    conda:
        "../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code_of("workflow_scripts.evaluate.reconstruction.focal_table"),
        given_intrinsics=(
            " ".join(["--given-intrinsics", *GIVEN_INTRINSICS])
            if GIVEN_INTRINSICS
            else ""
        ),
    message:
        "Merge the scores of rooms at all focal lengths"
    shell:
        "python -m workflow_scripts.evaluate.reconstruction.focal_table --scores {input.scores}"
        " {params.given_intrinsics} --out {output} > {log} 2>&1"
