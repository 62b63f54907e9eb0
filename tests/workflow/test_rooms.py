"""Which jobs write the records of rooms, and of which sources."""

from testing.project import Project

TARGET = "results/vqa/procthor/0000.rooms.parquet"


def test_records_need_views_and_captions_only_where_phrases_are_wanted(project: Project) -> None:
    planned_jobs = project.planned_jobs(TARGET)
    assert planned_jobs["write_room_records"] == planned_jobs["render_shard"] == 1
    assert "caption_assets" not in planned_jobs
    project.edit({"vqa": {"asset_phrases": True}})
    planned_jobs = project.planned_jobs(TARGET)
    assert planned_jobs["write_room_records"] == planned_jobs["caption_assets"] == 1
