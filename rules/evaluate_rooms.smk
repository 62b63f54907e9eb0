from workflow_scripts.config.evaluate import CompareRebuiltSettings
from workflow_scripts.config.reconstruction import RebuildSettings
from workflow_scripts.config.views import RendererSettings


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
        "Draw the rooms rebuilt from the answers of {wildcards.experiment}"
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
        "Compare the rebuilt rooms of {wildcards.experiment} with the pictures it saw"
    shell:
        "python -m workflow_scripts.evaluate.reconstruction.compare_rebuilt"
        " --rooms {input.rooms} --rebuilt {input.rebuilt} --views {input.views}"
        " --experiment {wildcards.experiment} --settings {params.settings:q}"
        " --seed {params.seed} --out {output.metrics} --picture {output.picture}"
        " > {log} 2>&1"
