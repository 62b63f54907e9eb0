"""Input functions of the rules in vqa.smk."""

from workflow_scripts.sources.planning import views_per_scene
from workflow_scripts.vqa import rule_params as question_params


def uses_measurements(source):
    """Say whether questions about a source are answered by measurement, not by ground truth."""
    return question_params.uses_measurements(
        config["vqa"], SOURCES[source].answers_from
    )


def measurement_tables(wildcards):
    """Return what was measured in a shard's clouds, if its questions are about that."""
    if not uses_measurements(wildcards.source):
        return []
    shard = f"results/pointclouds/{wildcards.source}/{wildcards.shard}"
    return [f"{shard}.{name}.parquet" for name in ("gravity", "measured", "gaps")]


def surface_gap_table(wildcards):
    """Return the gaps between drawn surfaces, of a source whose views have them."""
    drawn = (*sources_with_scenes("house"), *scan_sources(simulated=True))
    if wildcards.source not in drawn:
        return []
    return f"results/views/{wildcards.source}/{wildcards.shard}.surface_gaps.parquet"


def chosen_frames(wildcards):
    """Return the chosen frames of a shard of scans: only about these is asked."""
    if wildcards.source not in sources_with_scenes("scan"):
        return []
    return f"results/views/{wildcards.source}/{wildcards.shard}.frames.parquet"


def clouds_flag(wildcards):
    """Return the flag with the clouds whose measurements questions are about, if they are."""
    if not uses_measurements(wildcards.source):
        return ""
    return f"--clouds results/pointclouds/{wildcards.source}/{wildcards.shard}.zarr"


def per_measured_shard(pattern):
    """Fill a path for every shard whose questions are answered by measurement."""
    return [
        path
        for source in filter(uses_measurements, sources_with_stage("vqa"))
        for path in per_shard(pattern, stage="vqa", source=source)
    ]


def per_auditable_shard(pattern):
    """Fill a path for every shard with questions of a source with ground truth."""
    return [
        path
        for source in sources_with_stage("vqa")
        if SOURCES[source].has_truth
        for path in per_shard(pattern, stage="vqa", source=source)
    ]


def audit_tables(wildcards):
    """Return what was measured in a shard: in its own depth, and in depth with noise added."""
    return [
        f"results/pointclouds/{wildcards.source}/{wildcards.shard}.{kind}{name}.parquet"
        for kind in ("", "sensor_noise.")
        for name in ("gravity", "measured", "gaps")
    ]


def photo_drop_tables():
    """Return the tables of the photos that each step dropped, if there are photos."""
    return per_shard("results/views/{source}/{shard}.dropped.jsonl", scene_kind="photo")


def num_question_views():
    """Return about how many views there are to ask about."""
    return sum(
        (shard.stop - shard.start) * views_per_scene(config, source)
        for source in sources_with_stage("vqa")
        for shard in SHARDS[source].values()
    )


def dropped_room_prompts():
    """Return the tables of the views that experiments have no prompt about, and why."""
    return [
        path
        for name, experiment in EXPERIMENTS.items()
        if experiment.kind.room_prompts
        for path in per_shard(
            f"results/vqa/rooms/{name}/{{source}}/{{shard}}.dropped.jsonl",
            scene_kind="house",
        )
    ]


def per_room_shard(ending):
    """Return an input function: a file of an experiment's prompts for every shard of houses."""

    def paths(wildcards):
        folder = f"results/vqa/rooms/{wildcards.experiment}"
        return per_shard(
            f"{folder}/{{source}}/{ending}", stage="vqa", scene_kind="house"
        )

    return paths


def per_focal_room_shard(ending):
    """Return an input function: the same of rooms that are drawn with another focal length."""
    return lambda wildcards: per_room_shard(
        f"{{shard}}.focal{wildcards.percent}.{ending}"
    )(wildcards)


def asset_captions(wildcards):
    """Return the captions of a source's assets, if the records of rooms have them."""
    has_captions = wildcards.source in sources_with_stage("captions")
    if not config["vqa"]["asset_phrases"] or not has_captions:
        return []
    return f"results/captions/{wildcards.source}/assets.jsonl"


def scenes_of_room_shard(wildcards):
    """Return the houses of a shard of rooms, whatever its focal length."""
    return f"results/scenes/{wildcards.source}/{wildcards.shard[:4]}.jsonl"


def depth_of_room_shard(wildcards):
    """Return where depth of a shard of rooms is read: what is drawn again has the simulator's."""
    if "focal" in wildcards.shard:
        return f"results/views/{wildcards.source}/{wildcards.shard}.zarr"
    return depth_group(wildcards)
