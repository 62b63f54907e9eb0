"""What the stages share: the checked configuration, the shards, lists of paths."""

import json
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from workflow_scripts.sources.readers.episode_shards import source_flags
from workflow_scripts.common import code_fingerprint
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.flags import as_flags
from workflow_scripts.sources.readers import photo_files
from workflow_scripts.models.keypoints.settings import check_pose_experiment
from workflow_scripts.common.records import SPLITS
from workflow_scripts.config.base import section_json
from workflow_scripts.config.load import load_config
from workflow_scripts.config.root import build_config_model
from workflow_scripts.experiments import EXPERIMENT_SETTINGS
from workflow_scripts.sources import SOURCES, settings_models
from workflow_scripts.sources.base import is_depth_estimated
from workflow_scripts.sources.planning import plan_sources, resolved_sources

EMBEDDED_BASES = ("tiny",)
SHARDS_IN_REPORT = 3

def is_estimated(source):
    """Say whether the depth that later stages use is an estimator's, for a source."""
    return is_depth_estimated(config, source)


def require_file(key, path):
    """Refuse a missing file of the user's: Snakemake passes over it where old results lie."""
    if path is not None and not Path(path).is_file():
        raise UserError(f"{key}: {path}: no such file; correct the path")


def require_base_model(key, base):
    """Refuse a base model's missing folder; any other word is a model's id on the hub."""
    is_folder = base.startswith(".") or Path(base).is_absolute()
    if is_folder and not Path(base).is_dir():
        raise UserError(
            f"{key}: {base}: no such folder; correct the path, or give a model's id on the hub"
        )


def experiments_of_kind(kind):
    """Return the names of the experiments of a kind."""
    return [name for name, value in EXPERIMENTS.items() if value["kind"] == kind]


def enabled_experiments(experiments, sources):
    """Return the experiments that are on and have the source that they learn from.

    Who turns the source of demonstrations off is told that models of keypoints go with it.
    """
    chosen = {name: value for name, value in experiments.items() if value is not None}
    without = [
        name
        for name, value in chosen.items()
        if value["kind"] == "pose"
        and not any(SOURCES[source].scene_kind == "episode" for source in sources)
    ]
    if len(without) == len(chosen):
        raise UserError(
            f"train.experiments.{without[0]}: kind pose needs demonstrations; give sources.rlbench "
            "its settings"
        )
    if without:
        logger.warning(
            f"train.experiments: {', '.join(without)} off: kind pose needs demonstrations, and "
            "sources.rlbench is off"
        )
    return {name: value for name, value in chosen.items() if name not in without}


try:
    config = load_config(
        config,
        build_config_model(settings_models(), EXPERIMENT_SETTINGS),
        # The files of --configfile win over config.yaml, which Snakemake lists last.
        files=[
            *map(Path, workflow.configfiles[len(workflow.overwrite_configfiles) :]),
            *workflow.overwrite_configfiles,
        ],
        command_line=workflow.config_settings.config,
    ).model_dump(mode="json")
    require_file("captions.overrides", config["captions"]["overrides"])
    for name, value in config["evaluate"]["benchmarks"].items():
        require_file(f"evaluate.benchmarks.{name}.path", value["path"])
    # In place: rules and the card of a data set name what is really used.
    config["sources"] = resolved_sources(config["sources"])
    _plans = plan_sources(config, Path(workflow.basedir))
    EXPERIMENTS = enabled_experiments(config["train"]["experiments"], _plans)
    for name, value in EXPERIMENTS.items():
        if value["kind"] == "pose":
            for source in _plans:
                if SOURCES[source].scene_kind == "episode":
                    check_pose_experiment(name, value, config["sources"][source])
        else:
            require_base_model(f"train.experiments.{name}.base", value["base"])
except (UserError, OSError) as error:
    raise WorkflowError(str(error)) from None

SHARDS = {source: plan.shards for source, plan in _plans.items()}
DIGESTS = {source: plan.digests for source, plan in _plans.items()}
VLM_EXPERIMENTS = experiments_of_kind("vlm")
POSE_EXPERIMENTS = experiments_of_kind("pose")
BENCHMARKS = config["evaluate"]["benchmarks"]


wildcard_constraints:
    source="|".join(SHARDS),
    shard=r"\d{4}",
    split="|".join(SPLITS),
    experiment="|".join(EXPERIMENTS),
    condition="image|blind|blank",
    question_set="|".join(["predictions", *BENCHMARKS]),
    part=r"\d{3}",


# Replacing the prefix drops Snakemake's own strict mode, so it is repeated. PYTHONPATH lets
# `python -m workflow_scripts...` work from any working directory. Without conda, `python` is the
# one that runs Snakemake, whether or not its environment is activated.
python_path = (
    ""
    if workflow.deployment_settings.deployment_method
    else f"{shlex.quote(str(Path(sys.executable).parent))}:"
)
shell.prefix(
    f'set -euo pipefail; export PATH={python_path}"$PATH" '
    f"PYTHONPATH={shlex.quote(str(workflow.basedir))} PYTHONHASHSEED=0; "
)


def as_workflow_error(function, *arguments, **settings):
    """Call a function; a mistake of the user's is told without the lines of code it passed."""
    try:
        return function(*arguments, **settings)
    except UserError as error:
        raise WorkflowError(str(error)) from None


def code_of(module, *extra, backends=()):
    """Return a param: the fingerprint of the code that a command can reach.

    With `backends` ("package.module", or a function of wildcards that returns them) only those
    count of the table that lists them.
    """
    fingerprint = code_fingerprint.code_of(module, *extra, backends=backends)
    return lambda wildcards: as_workflow_error(fingerprint, wildcards)


def sources_with_stage(stage):
    """Return the sources that take part in a stage."""
    return [source for source in SHARDS if stage in SOURCES[source].stages]


def sources_with_scenes(kind):
    """Return the sources that are on and whose scenes are of a kind: house, photo, episode."""
    return [source for source in SHARDS if SOURCES[source].scene_kind == kind]


def per_shard(pattern, stage=None, source=None, scene_kind=None):
    """Fill `{source}` and `{shard}` of a path for every shard of every source of a stage.

    Without a stage, the one whose folder the path lies in: `results/<stage>/...`. With a source,
    or a kind of scenes, of that source or of sources of that kind only.
    """
    return [
        pattern.format(source=name, shard=shard)
        for name in sources_with_stage(stage or pattern.split("/")[1])
        if source in (None, name) and scene_kind in (None, SOURCES[name].scene_kind)
        for shard in SHARDS[name]
    ]


def per_shard_of_source(pattern):
    """Return an input function: a path for every shard of the job's source."""

    def paths(wildcards):
        return [
            pattern.format(source=wildcards.source, shard=shard)
            for shard in SHARDS[wildcards.source]
        ]

    return paths


def depth_group(wildcards):
    """Return the Zarr group that later stages read depth from: estimated, or the views' own."""
    stage = "depth" if is_estimated(wildcards.source) else "views"
    return f"results/{stage}/{wildcards.source}/{wildcards.shard}.zarr"


def per_estimated_shard(pattern, stage):
    """Fill `{source}` and `{shard}` of a path for the shards of a stage with estimated depth."""
    return [
        path
        for source in filter(is_estimated, sources_with_stage(stage))
        for path in per_shard(pattern, stage=stage, source=source)
    ]


def dropped_question_tables():
    """Return the tables of what was not asked and why: of every shard, and of every split.

    And of paraphrases that were not used, if there are any.
    """
    own = "results/vqa/{source}/{shard}.paraphrased.dropped.jsonl"
    return [
        *per_shard("results/vqa/{source}/{shard}.dropped.jsonl"),
        *(per_shard(own) if config["vqa"]["paraphrase"] else []),
        *(f"results/vqa/{split}.dropped.jsonl" for split in SPLITS),
    ]


def family_flags(wildcards):
    """Return the flag that names an experiment's families of questions, if it has some."""
    families = EXPERIMENTS[wildcards.experiment]["families"]
    return " ".join(["--families", *families]) if families else ""


def name_pattern(names):
    """Return a pattern of names, or one that nothing matches."""
    return "|".join(names) or "(?!)"


def demonstration_views():
    """Return the shards that pose models learn from and are scored on."""
    return per_shard("results/views/{source}/{shard}.zarr", scene_kind="episode")


def recorded_episodes(wildcards):
    """Return the data set that episodes are read from, if they are.

    `ancient`: the digest in the rule's params decides what runs again, not the file's time.
    """
    settings = config["sources"][wildcards.source]
    return [] if settings["backend"] != "dataset" else ancient(settings["dataset"])


def episode_flags(*names):
    """Return an input function: settings of a source of episodes as flags of a command."""

    def flags(wildcards):
        return source_flags(config["sources"][wildcards.source], names)

    return flags


def per_demonstration_source(pattern):
    """Fill `{source}` of a path for the sources of demonstrations that are on."""
    return [pattern.format(source=source) for source in sources_with_scenes("episode")]
