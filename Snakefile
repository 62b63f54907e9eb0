"""Sightline: scenes -> views -> depth -> captions -> pointclouds -> vqa -> train -> evaluate."""

import sys
from pathlib import Path

from snakemake.utils import min_version

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.files import check_config_file

min_version("9.20")

try:
    for path in {Path(workflow.basedir), Path.cwd()}:
        if path == Path(workflow.basedir) or (path / "config.yaml").exists():
            check_config_file(path / "config.yaml")
except UserError as error:
    sys.exit(f"error: {error}")


configfile: f"{workflow.basedir}/config.yaml"


# With --directory, a config.yaml there goes on top of the project's.
if Path("config.yaml").is_file() and not Path("config.yaml").samefile(
    f"{workflow.basedir}/config.yaml"
):

    configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/scenes.smk"
include: "rules/views.smk"
include: "rules/depth.smk"
include: "rules/captions.smk"
include: "rules/pointclouds.smk"
include: "rules/vqa.smk"
include: "rules/train.smk"
include: "rules/evaluate.smk"
include: "rules/cluster.smk"


# Only asked for when it is needed: a dry run of anything else must not want a key.
if caption_params.needs_key(config["captions"]):

    envvars:
        "OPENAI_API_KEY",


rule all:
    default_target: True
    input:
        "results/eval.csv",
        "results/report.html",
        PLY_FOLDERS,
        ["results/focal.csv"] if FOCAL_SCORES else [],


rule scenes:
    input:
        per_shard("results/scenes/{source}/{shard}.jsonl"),


rule views:
    input:
        per_shard("results/views/{source}/{shard}.zarr"),
        view_checks("views"),
        per_shard("results/views/{source}/{shard}.frames.parquet", scene_kind="scan"),


rule npz:
    input:
        per_demonstration_source("results/views/{source}/npz"),


rule depth:
    input:
        view_checks("depth"),
        per_shard("results/depth/{source}/{shard}.parquet"),


rule captions:
    input:
        view_checks("captions"),
        per_shard("results/captions/{source}/{shard}.jsonl"),
        expand(
            "results/captions/{source}/assets.jsonl",
            source=sources_with_stage("captions"),
        ),


rule pointclouds:
    input:
        view_checks("pointclouds"),
        per_shard("results/pointclouds/{source}/{shard}.zarr"),
        per_shard("results/pointclouds/{source}/{shard}.boxes.parquet"),
        per_shard("results/pointclouds/{source}/{shard}.measured.parquet"),
        PLY_FOLDERS,
        expand(
            "results/pointclouds/{source}/statistics.json",
            source=sources_with_stage("pointclouds"),
        ),


rule rrd:
    input:
        per_shard("results/pointclouds/{source}/{shard}.rerun", scene_kind="house"),
        per_shard("results/pointclouds/{source}/{shard}.rerun", scene_kind="scan"),


rule vqa:
    input:
        "results/vqa/gallery.html",
        expand("results/vqa/{split}.json", split=SPLITS),


rule exports:
    input:
        question_params.export_files(config["vqa"]),


rule scan_llava:
    input:
        expand("results/vqa/{source}/video3dllm", source=sources_with_scenes("scan")),


rule audit:
    input:
        "results/vqa/audit.csv",
        "results/vqa/audit.png",
        "results/vqa/audit_questions.csv",
        "results/vqa/audit_questions.html",


rule train:
    input:
        [
            f"results/train/{name}/metrics.json"
            for name, experiment in EXPERIMENTS.items()
            if experiment.is_trained
        ],


rule evaluate:
    input:
        "results/eval.csv",


if snakemake_command.is_user_command(COMMAND_LINE):
    _problem = snakemake_command.unknown_target(
        COMMAND_LINE.targets or (),
        [rule.name for rule in workflow.rules if not rule.has_wildcards()],
    )
    if _problem:
        stop(_problem)
