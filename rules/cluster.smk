# Checks before anything runs or a cluster is used. Nothing here submits a job.
import json
import sys

from workflow_scripts.cluster import check_cluster, check_gpu_rules, slurm
from workflow_scripts.cluster import plan as planning
from workflow_scripts.common import snakemake_command
from workflow_scripts.common.run_lock import lock_run

PROFILE = check_cluster.find_profile_file(sys.argv)
COMMAND_LINE = snakemake_command.read_command_line()
USES_GPU = {
    "render_shard": config["views"]["backend"] == "ai2thor",
    "render_walks": config["views"]["backend"] == "ai2thor"
    and bool(scan_sources(simulated=True)),
    "estimate_depth": any(map(is_estimated, SHARDS)),
    "filter_images": FILTERS_PHOTOS,
    "localise_images": LOCALISES_PHOTOS,
    **TRAINS,
    # Those that ask a server use none.
    **{
        name: not has_limits
        and any(
            experiment.predictor and experiment.predictor.rule == name
            for experiment in EXPERIMENTS.values()
        )
        for name, has_limits in PREDICTOR_RULES
    },
}

if snakemake_command.is_user_command(COMMAND_LINE):
    if check_gpu_rules.uses_slurm(COMMAND_LINE) and not config["allow_no_gpu"]:
        _profiles = check_gpu_rules.read_profiles(COMMAND_LINE)
        _warning = check_gpu_rules.lost_defaults(
            _profiles, COMMAND_LINE.default_resources or {}
        )
        if _warning:
            logger.warning(_warning)
        _problems = list(
            check_gpu_rules.find_problems(
                workflow,
                _profiles,
                unused=[name for name, uses in USES_GPU.items() if not uses],
            )
        )
        if _problems:
            stop(check_gpu_rules.refusal(_problems, _profiles))
    if snakemake_command.changes_files(COMMAND_LINE, ("check_cluster", "plan")):
        try:
            lock_run()
        except UserError as error:
            stop(error)


# Snakemake leaves this out in a dry run.
onstart:
    keep_job_outputs()
    slurm.disable_efficiency_report(workflow.executor_settings)
    if PROFILE and "check_cluster" in [
        rule.name for rule in workflow.dag.targetrules
    ]:
        slurm.exit_without_slurm()


rule check_cluster:
    log:
        "logs/cluster/check_cluster.log",
    retries: 0
    localrule: True
    conda:
        "../envs/scenes.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        profile=PROFILE,
        requests=lambda wildcards: check_cluster.write_requests(
            workflow, Path("logs/cluster/requests.json")
        ),
    message:
        "Compare the profile with the cluster"
    shell:
        "python -m workflow_scripts.cluster.check_cluster --profile={params.profile:q}"
        " --requests {params.requests:q} 2>&1 | tee {log}"


rule plan:
    log:
        "logs/cluster/plan.log",
    retries: 0
    localrule: True
    conda:
        "../envs/scenes.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        rules=lambda wildcards: planning.write_rule_resources(
            workflow, SHARDS, Path("logs/cluster/rules.json")
        ),
        arguments=json.dumps(sys.argv[1:]),
    message:
        "Estimate jobs, GPU-hours and wall-clock from earlier runs"
    shell:
        "python -m workflow_scripts.cluster.plan --rules {params.rules:q}"
        " --arguments {params.arguments:q} 2>&1 | tee {log}"
