"""What the stages share: the checked configuration, the shards, lists of paths."""

import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.io import is_flagged
from snakemake.logging import logger

from workflow_scripts.common import code_fingerprint
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.hub_names import require_model
from workflow_scripts.common.kept_outputs import (
    forget_outputs,
    keep_outputs,
    restore_outputs,
)
from workflow_scripts.sources.readers.photo_files import folder_digests
from workflow_scripts.common.records import SPLITS
from workflow_scripts.config.base import section_json
from workflow_scripts.config.load import load_config
from workflow_scripts.config.root import build_config_model
from workflow_scripts import experiments, sources
from workflow_scripts.experiments import EXPERIMENT_KINDS
from workflow_scripts.experiments.base import WorkflowContext
from workflow_scripts.experiments.enabled import enabled_experiments
from workflow_scripts.scenes.contact_sheets import SHEETS
from workflow_scripts.sources import SOURCES
from workflow_scripts.sources.base import is_depth_estimated
from workflow_scripts.sources.planning import (
    input_files,
    plan_sources,
    pretraining_sources,
    resolved_sources,
    stages,
)
from workflow_scripts.sources.scans import SIMULATED

SHARDS_IN_REPORT = 3
# The kinds of scenes whose views are counted; episodes have a check of their own.
CHECKED_SCENES = ("house", "photo", "scan")


def stop(error):
    """End Snakemake with one line; an exception would come with lines of the Snakefile."""
    logger.error(f"error: {error}")
    sys.exit(1)


def is_estimated(source):
    """Say whether the depth that later stages use is an estimator's, for a source."""
    return is_depth_estimated(config, source)


def relative_path(path):
    """Return a path relative to the working directory if it lies in it."""
    whole = Path(path).absolute()
    here = Path.cwd()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole


def project_file(path):
    """Return a path as it is, or the project's own file if there is none in the working directory.

    Raises no error: whoever reads the file says what is missing.
    """
    in_project = Path(workflow.basedir, path)
    return path if Path(path).exists() or not in_project.exists() else in_project


def require_file(key, path):
    """Refuse a missing file of the user's: Snakemake passes over it where old results lie."""
    if path is not None and not Path(path).is_file():
        raise UserError(f"{key}: {path}: no such file; correct the path")


try:
    config = load_config(
        config,
        build_config_model(sources.settings_models(), experiments.settings_models()),
        # The files of --configfile win over config.yaml, which Snakemake lists last.
        files=[
            relative_path(path)
            for path in (
                *workflow.configfiles[len(workflow.overwrite_configfiles) :],
                *workflow.overwrite_configfiles,
            )
        ],
        command_line=workflow.config_settings.config,
    ).model_dump(mode="json")
    # In place: with --directory, prompts that come with the project lie elsewhere.
    for section, key in (
        (config["captions"], "prompts"),
        (config["vqa"]["paraphrase"], "prompt"),
    ):
        if section is not None:
            section[key] = str(project_file(section[key]))
    require_file("captions.overrides", config["captions"]["overrides"])
    if config["depth"]["backend"] == "transformers":
        require_model("depth.model", config["depth"]["model"])
    for name, value in config["evaluate"]["benchmarks"].items():
        require_file(f"evaluate.benchmarks.{name}.path", value["path"])
    # In place: rules and the card of a data set name what is really used.
    config["sources"] = resolved_sources(config["sources"])
    _plans = plan_sources(config, Path(workflow.basedir))
    CONTEXT = WorkflowContext(
        config=config,
        shards={source: tuple(plan.shards) for source, plan in _plans.items()},
        scene_kinds={source: SOURCES[source].scene_kind for source in _plans},
    )
    PRETRAINING_SOURCES = pretraining_sources(config)
    EXPERIMENTS = enabled_experiments(CONTEXT, EXPERIMENT_KINDS, warn=logger.warning)
except (UserError, OSError) as error:
    stop(error)

SHARDS = {source: plan.shards for source, plan in _plans.items()}
DIGESTS = {source: plan.digests for source, plan in _plans.items()}
BENCHMARKS = config["evaluate"]["benchmarks"]


wildcard_constraints:
    source="|".join(SHARDS),
    shard=r"\d{4}",
    split="|".join(SPLITS),
    experiment="|".join(EXPERIMENTS),
    condition="image|blind|blank|rotated90|rotated180|rotated270",
    question_set="|".join(["predictions", "validation", r"focal\d{3}", *BENCHMARKS]),
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
    """Call a function; a mistake of the user's is shown without a stack trace."""
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
    return [source for source in SHARDS if stage in stages(config, source)]


def sources_with_scenes(kind):
    """Return the sources that are on and whose scenes are of a kind: house, photo, episode."""
    return [source for source in SHARDS if SOURCES[source].scene_kind == kind]


def scan_sources(*, simulated):
    """Return the sources of scans that are on, those that are simulated or the others."""
    return [
        source
        for source in sources_with_scenes("scan")
        if (config["sources"][source]["format"] == SIMULATED) == simulated
    ]


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
    paraphrased = "results/vqa/{source}/{shard}.paraphrased.dropped.jsonl"
    return [
        *per_shard("results/vqa/{source}/{shard}.dropped.jsonl"),
        *(per_shard(paraphrased) if config["vqa"]["paraphrase"] else []),
        *(f"results/vqa/{split}.dropped.jsonl" for split in SPLITS),
    ]


def name_pattern(names):
    """Return a pattern of names, or one that nothing matches."""
    return "|".join(names) or "(?!)"


def per_demonstration_source(pattern):
    """Fill `{source}` of a path for the sources of demonstrations that are on."""
    return [pattern.format(source=source) for source in sources_with_scenes("episode")]


def view_checks(stage):
    """Return the files that say of the sources of a stage that their views show something."""
    names = {kind: "counts.json" for kind in CHECKED_SCENES} | {"episode": "leaks.json"}
    kinds = {source: SOURCES[source].scene_kind for source in sources_with_stage(stage)}
    return [
        f"results/views/{source}/{names[kind]}"
        for source, kind in kinds.items()
        if kind in names
    ]


def sources_with_sampler():
    """Return the sources that are on and whose scenes one function makes."""
    return [source for source in SHARDS if SOURCES[source].sample]


def sampler_code(wildcards):
    """Return the fingerprint of sample_scenes with the function and the sheet of a source."""
    source = SOURCES[wildcards.source]
    return code_of(
        "workflow_scripts.scenes.sample_scenes",
        source.sample.partition(":")[0],
        backends=[SHEETS[source.scene_kind]],
    )(wildcards)


def sampler_settings(wildcards):
    """Return the settings that the scenes of a source depend on, as JSON."""
    return source_settings(SOURCES[wildcards.source].sample_settings)(wildcards)


def source_settings(model, *keys):
    """Return a function for params: a model's fields of the job's source, as JSON.

    With keys, of what stands below them in the source's settings.
    """

    def text(wildcards):
        settings = config["sources"][wildcards.source]
        for key in keys:
            settings = settings[key]
        return section_json(settings, model)

    return text


def user_files(wildcards):
    """Return the files of the user's that a source's scenes are read from.

    `ancient`: the digest in the rule's params decides what runs again, not the files' time.
    """
    return [ancient(path) for path in listed(input_files(config, wildcards.source))]


def listed(files):
    """Return the files of the user's that can be inputs.

    A path with braces is left out, because Snakemake would take them for wildcards.
    """
    return [path for path in files if "{" not in path]


def unlisted_digest(files):
    """Return a param: a digest of the files that cannot be inputs, '' if there are none."""
    return folder_digests([path for path in files if "{" in path])


def sidecar_digest(*keys):
    """Return a function for params: a digest of what lies in folders beside the photos.

    The folders are those of the source's settings with these keys; names, sizes and times count.
    """

    def digest(wildcards):
        settings = config["sources"][wildcards.source]
        return folder_digests([settings[key] for key in keys])

    return digest


def shard_start(wildcards):
    """Return the index of the shard's first scene."""
    return SHARDS[wildcards.source][wildcards.shard].start


def shard_stop(wildcards):
    """Return the index after the shard's last scene."""
    return SHARDS[wildcards.source][wildcards.shard].stop


def shard_digest(wildcards):
    """Return the digest of what the shard is read from, '' if it is made from settings alone."""
    return DIGESTS[wildcards.source][wildcards.shard]


def runs_after_inputs(job):
    """Say whether a job is run again for the time of an input: then its old outputs may be kept.

    Snakemake would take those of a job without inputs for what was asked for.
    """
    return any(not is_flagged(path, "ancient") for path in job.input)


# (job, its outputs) of every job of this run that replaces something worth keeping.
kept_jobs = []


def keep_job_outputs():
    """Keep what the jobs of this run replace, until the run has ended."""
    if not workflow.is_main_process:
        return
    for job in filter(runs_after_inputs, workflow.dag.needrun_jobs()):
        outputs = [Path(path) for path in job.output]
        keep_outputs(outputs)
        kept_jobs.append((job, outputs))


onsuccess:
    for _, outputs in kept_jobs:
        forget_outputs(outputs)


onerror:
    for job, outputs in kept_jobs:
        restored = restore_outputs(outputs)
        if restored:
            # Without its record and with an old time, the rule runs again.
            workflow.persistence.cleanup(job)
            logger.warning(
                f"Kept the earlier {', '.join(map(str, restored))}: the job that was to replace "
                "it failed and runs again next time (to accept it as it is: snakemake --touch)"
            )
        forget_outputs(outputs)
