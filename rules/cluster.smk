# Checks before a cluster is used. Nothing here submits a job.
import json
import sys

from workflow_scripts.cluster import check_cluster, slurm
from workflow_scripts.cluster import plan as planning

PROFILE = check_cluster.find_profile_file(sys.argv)


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
