"""Which jobs write the records of rooms, and which rebuild rooms from answers."""

from testing.project import Project

TARGET = "results/vqa/procthor/0000.rooms.parquet"


def test_records_need_views_and_captions_only_where_phrases_are_wanted(project: Project) -> None:
    planned_jobs = project.planned_jobs(TARGET)
    assert planned_jobs["write_room_records"] == planned_jobs["render_shard"] == 1
    assert "caption_assets" not in planned_jobs
    project.edit({"vqa": {"asset_phrases": True}})
    planned_jobs = project.planned_jobs(TARGET)
    assert planned_jobs["write_room_records"] == planned_jobs["caption_assets"] == 1


def test_rooms_are_rebuilt_for_the_report_unless_none_are_wanted(project: Project) -> None:
    rooms = {"kind": "reconstruction"}
    project.edit({"train": {"experiments": {"rooms": rooms}}})
    rules = ("rebuild_rooms", "draw_rebuilt_rooms", "compare_rebuilt_rooms")
    planned_jobs = project.planned_jobs("results/report.html")
    count = planned_jobs["score_reconstruction"]
    assert count >= 1
    assert [planned_jobs[rule] for rule in rules] == [count] * 3
    project.edit({"evaluate": {"rebuilt_rooms": 0}})
    assert not set(rules) & set(project.planned_jobs("results/report.html"))


def test_rooms_are_drawn_with_other_focal_lengths_where_the_configuration_says_so(
    project: Project,
) -> None:
    project.edit({"train": {"experiments": {"rooms": {"kind": "reconstruction"}}}})
    assert "render_focal_views" not in project.planned_jobs()
    project.edit({"evaluate": {"focal_factors": [0.5, 1.25]}})
    planned_jobs = project.planned_jobs("results/focal.csv")
    shards = planned_jobs["render_shard"]
    count = planned_jobs["score_reconstruction"]
    assert planned_jobs["render_focal_views"] == 2 * shards
    assert planned_jobs["write_room_records"] == 3 * shards
    assert planned_jobs["merge_focal_prompts"] == planned_jobs["score_focal_rooms"] == 2 * count
    assert planned_jobs["compare_focal_lengths"] == 1
    assert planned_jobs["predict_answers"] == 9 * count
