"""What the stages share: the checked configuration, the shards, lists of paths."""

import json
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from workflow_scripts.sources.readers.episode_shards import (
    source_flags,
    assign_episode_shards,
)
from workflow_scripts.common import code_fingerprint
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.flags import as_flags
from workflow_scripts.sources.readers.house_files import (
    count_houses,
    house_shard_digests,
)
from workflow_scripts.sources.readers import photo_files
from workflow_scripts.common.records import SPLITS
from workflow_scripts.sources.readers.rlbench_tasks import list_tasks
from workflow_scripts.common.shards import assign_shards, scenes_per_shard
from workflow_scripts.config.base import section_json
from workflow_scripts.config.load import load_config
from workflow_scripts.config.root import build_config_model
from workflow_scripts.experiments import EXPERIMENT_KINDS, EXPERIMENT_SETTINGS
from workflow_scripts.experiments.base import WorkflowContext
from workflow_scripts.experiments.enabled import enabled_experiments
from workflow_scripts.sources import SOURCE_SETTINGS

PROCTHOR_10K_HOUSES = 12_000
SHARDS_IN_REPORT = 3
ALL_STAGES = ("scenes", "views", "depth", "captions", "pointclouds", "vqa")
SCENE_KINDS = {"procthor": "house", "images": "photo", "rlbench": "episode"}
STAGES_OF_SOURCE = {
    "procthor": ALL_STAGES,
    "images": ("scenes", "views", "depth", "pointclouds", "vqa"),
    "rlbench": ("scenes", "views"),
}


def assign_house_shards(source, settings):
    """Return the shards of a source by name, and the digest of each one's share of a file.

    Only the shards whose digest changed run again when the file of houses changes.
    """
    houses, wanted = settings["houses"], settings["num_houses"]
    if houses == "generate":
        if wanted is None:
            raise UserError(
                f"sources.{source}.num_houses: null needs a file of houses; "
                "with 'houses: generate' give a number"
            )
        total = wanted
    else:
        known = PROCTHOR_10K_HOUSES if houses == "procthor-10k" else None
        available = known or count_houses(Path(houses))
        total = available if wanted is None else min(wanted, available)
    size = scenes_per_shard(total, settings["houses_per_shard"])
    shards = assign_shards(total, size)
    if houses in ("generate", "procthor-10k"):
        return shards, dict.fromkeys(shards, "")
    digests = house_shard_digests(Path(houses), size)
    return shards, dict(zip(shards, digests, strict=False))


def assign_photo_shards(source, settings):
    """Return the shards of a source of photos by name, and a digest of each one's photos."""
    # In place: rules and the card name who really finds the objects.
    settings["localise"]["backend"] = photo_files.resolve_localiser(settings)
    photo_files.check_photo_settings(settings, has_estimator=is_estimated(source))
    total = photo_files.count(settings)
    size = photo_files.photos_per_shard(total, settings["photos_per_shard"])
    shards = assign_shards(total, size)
    digests = photo_files.photo_shard_digests(settings, photos_per_shard=size)
    return shards, dict(zip(shards, digests, strict=False))


def is_estimated(source):
    """Say whether the depth that later stages use is an estimator's, for a source."""
    settings = config["depth"]
    chosen = settings["sources"] is None or source in settings["sources"]
    return settings["backend"] != "simulator" and chosen


def assign_demonstration_shards(source, settings):
    """Return the shards of episodes by name, and a digest of each one's share of a data set."""
    folder = Path(workflow.basedir, "workflow_scripts/views/robots/tasks")
    return assign_episode_shards(source, settings, simulated=list_tasks(folder))


SHARD_ASSIGNERS = {
    "procthor": assign_house_shards,
    "images": assign_photo_shards,
    "rlbench": assign_demonstration_shards,
}


def require_file(key, path):
    """Refuse a missing file of the user's: Snakemake passes over it where old results lie."""
    if path is not None and not Path(path).is_file():
        raise UserError(f"{key}: {path}: no such file; correct the path")


try:
    config = load_config(
        config,
        build_config_model(SOURCE_SETTINGS, EXPERIMENT_SETTINGS),
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
    _plans = {
        name: SHARD_ASSIGNERS[name](name, value)
        for name, value in config["sources"].items()
        if value is not None
    }
    CONTEXT = WorkflowContext(
        config=config,
        shards={source: tuple(shards) for source, (shards, _) in _plans.items()},
        scene_kinds=SCENE_KINDS,
    )
    EXPERIMENTS = enabled_experiments(CONTEXT, EXPERIMENT_KINDS, warn=logger.warning)
except (UserError, OSError) as error:
    raise WorkflowError(str(error)) from None

SHARDS = {source: shards for source, (shards, _) in _plans.items()}
DIGESTS = {source: digests for source, (_, digests) in _plans.items()}
VLM_EXPERIMENTS = [name for name, one in EXPERIMENTS.items() if one.kind.predictor]
POSE_EXPERIMENTS = [name for name, one in EXPERIMENTS.items() if not one.kind.predictor]
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
    return [source for source in SHARDS if stage in STAGES_OF_SOURCE[source]]


def per_shard(pattern, stage=None, source=None):
    """Fill `{source}` and `{shard}` of a path for every shard of every source of a stage.

    Without a stage, the one whose folder the path lies in: `results/<stage>/...`. With a source,
    of that source only.
    """
    return [
        pattern.format(source=name, shard=shard)
        for name in sources_with_stage(stage or pattern.split("/")[1])
        if source in (None, name)
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
    families = EXPERIMENTS[wildcards.experiment].settings.families
    return " ".join(["--families", *families]) if families else ""


def name_pattern(names):
    """Return a pattern of names, or one that nothing matches."""
    return "|".join(names) or "(?!)"


def demonstration_views():
    """Return the shards that pose models learn from and are scored on."""
    return per_shard("results/views/{source}/{shard}.zarr", source="rlbench")


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
    return [pattern.format(source=source) for source in SHARDS if source == "rlbench"]
