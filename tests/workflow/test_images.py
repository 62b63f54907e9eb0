"""Source images through the workflow: what runs, what runs again, and what users get wrong."""

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from testing.depth_models import save_depth_anything
from testing.photos import add_photo, encoded, picture
from testing.project import ROOT, WITHOUT_RLBENCH, Project
from workflow_scripts.common.view_shard import ViewShard

STEPS = ("hash_photos", "group_photos", "assign_photo_shards", "read_images", "filter_images")
STEPS += ("localise_images", "write_image_shard")


def with_photos(folder: Path) -> Project:
    """Return a project whose only source is five photos in three shards."""
    project = Project.create(folder)
    for seed in range(5):
        add_photo(project.folder, f"{seed}", seed)
    project.edit(WITHOUT_RLBENCH)
    project.edit(
        {
            "sources": {
                "procthor": None,
                "images": {
                    "photos": "photos",
                    "photos_per_shard": 2,
                    "width_px": 96,
                    "height_px": 96,
                    "depth": "depth",
                    "masks": "masks",
                    "localise": {"backend": "masks"},
                },
            }
        }
    )
    return project


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run the photos up to point clouds once; do not change what it made."""
    project = with_photos(tmp_path_factory.mktemp("photos") / "project")
    project.snakemake("--cores", "2", "depth", "views")
    return project


@pytest.fixture
def copy(finished: Project, tmp_path: Path) -> Callable[[], Project]:
    """Return a function that copies the finished run, file times and Snakemake's memory too."""

    def made() -> Project:
        shutil.copytree(finished.folder, tmp_path / "copy", symlinks=True)
        return Project(tmp_path / "copy")

    return made


@pytest.mark.e2e
def test_photos_become_views_with_their_depth(finished: Project) -> None:
    splits, counts = {}, 0
    for number in range(3):
        shard = ViewShard.open(finished.folder / f"results/views/images/{number:04d}.zarr")
        counts += len(shard)
        assert (shard.objects.category == "box").all()
        assert len(shard.objects) == len(shard)
        splits |= dict(zip(shard.views.scene_id, shard.views.split, strict=True))
        rows = pd.read_parquet(finished.folder / f"results/depth/images/{number:04d}.parquet")
        assert (rows.backend == "given").all()
    assert counts == len(splits) == 5
    assert not finished.planned_jobs("views", "depth")


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("changes", "again"),
    [
        ({"localise": {"min_confidence": 0.6}}, {"localise_images": 3, "write_image_shard": 3}),
        (
            {"filter": {"threshold": 0.9}},
            {"filter_images": 3, "localise_images": 3, "write_image_shard": 3},
        ),
        (
            {"default_fov_deg": 70},
            {"read_images": 3, "filter_images": 3, "localise_images": 3, "write_image_shard": 3},
        ),
        ({"min_side_px": 32}, dict.fromkeys(STEPS, 3) | {"group_photos": 1}),
    ],
    ids=["localise", "filter", "read", "hash"],
)
def test_a_step_runs_again_when_its_own_keys_change(copy, changes, again) -> None:
    project = copy()
    project.edit({"sources": {"images": changes}})
    planned_jobs = project.planned_jobs("results/views/images/0000.zarr", "views")
    planned_jobs.pop("views", None)
    assert planned_jobs == {**again, "check_views": 1}


@pytest.mark.e2e
def test_a_photo_more_reads_its_own_shard_only(copy) -> None:
    """The dry run cannot know that the other shards' scenes come out as they were; the run does."""
    project = copy()
    add_photo(project.folder, "5", 5)
    assert project.planned_jobs("views")["hash_photos"] == 1
    done = project.snakemake("--cores", "2", "results/views/images/0002.zarr")
    shard = ViewShard.open(project.folder / "results/views/images/0002.zarr")
    assert len(shard) == 2
    assert "images shard 0002" in done.stdout + done.stderr


@pytest.mark.e2e
def test_estimated_depth_of_photos_without_any(copy, tmp_path: Path) -> None:
    project = copy()
    (project.folder / "depth/4.npy").unlink()
    add_photo(project.folder, "5", 5)
    model = save_depth_anything(tmp_path / "model")
    project.edit({"depth": {"backend": "transformers", "model": str(model)}})
    project.snakemake("--cores", "2", "results/depth/images/0002.parquet")
    rows = pd.read_parquet(project.folder / "results/depth/images/0002.parquet")
    assert sorted(rows.backend) == ["given", "transformers"]


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("folder", "content", "message"),
    [
        ("masks", "[]", "source images has no object in any of its 5 views"),
        ("depth", None, "source images has no depth for any of its 5 views; 1 times: depth: miss"),
    ],
)
def test_photos_that_lost_all_masks_or_depth_end_any_run(
    tmp_path: Path, folder: str, content: str | None, message: str
) -> None:
    project = with_photos(tmp_path / "project")
    for path in (project.folder / folder).iterdir():
        if content is None:
            path.rename(path.with_name(f"other{path.name}"))
        else:
            path.write_text(content)
    if content is None:
        # A photo that is too small has the only depth map, so that the folder is not refused.
        (project.folder / "photos/tiny.png").write_bytes(encoded(picture(8, 8)))
        np.save(project.folder / "depth/tiny.npy", np.full((8, 8), 2.0, np.float32))
    done = project.snakemake("--cores", "2", "views", check=False)
    assert done.returncode == 1
    assert message in (project.folder / "logs/views/check_views/images.log").read_text()
    assert not (project.folder / "results/views/images/counts.json").exists()
    assert project.snakemake("--cores", "1", "depth", check=False).returncode == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"photos": "nowhere"}, "nowhere: no such folder of photos"),
        ({"masks": None}, "sources.images.masks: null"),
        ({"masks": "nowhere"}, "sources.images.masks: nowhere does not exist"),
        ({"localise": {"backend": "florence2"}}, "sources.images.masks: given, but"),
        ({"depth": None}, "photos have no depth of their own"),
        ({"photo": "x"}, "did you mean 'photos'"),
        ({"width_px": 5}, "sources.images.width_px"),
        ({"localise": {"backend": "sam"}}, "sources.images.localise.backend: 'sam'"),
        ({"localise": {"backend": "grounding_dino"}}, "localise.phrases: empty"),
        ({"filter": {"include": ["a"], "exclude": ["a"]}}, "a is in include and in exclude"),
        ({"filter": {"template": "photo"}}, "sources.images.filter.template"),
        ({"photos": "owner/name"}, "num_photos: null"),
    ],
)
def test_mistakes_in_the_configuration_are_named(tmp_path, changes, message) -> None:
    project = with_photos(tmp_path / "project")
    project.edit({"sources": {"images": changes}})
    done = project.snakemake("--dry-run", "views", check=False)
    printed = done.stdout + done.stderr
    assert done.returncode != 0
    assert message in printed
    assert "Traceback" not in printed


def test_labels_reach_the_command_as_they_are(tmp_path) -> None:
    """Words with spaces, quotes and other alphabets are one argument each."""
    project = with_photos(tmp_path / "project")
    include = ["a kitchen", 'it\'s "new"', "台所", "$HOME"]
    project.edit({"sources": {"images": {"filter": {"include": include}}}})
    done = project.snakemake("--dry-run", "--printshellcmds", "views")
    commands = [line for line in done.stdout.splitlines() if "views.images.filter" in line]

    words = shlex.split(commands[0].split(" > ")[0])
    assert json.loads(words[words.index("--settings") + 1])["include"] == include


def test_the_readme_s_command_for_photos_plans_with_the_user_s_own_masks(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    add_photo(project.folder, "1", 1)
    for name in ("photos", "masks", "depth"):
        (project.folder / name).rename(project.folder / f"my_{name}")
    line = re.search(r"^snakemake (.*my_photos.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert line
    words = shlex.split(line[1])
    done = project.snakemake("--dry-run", "--printshellcmds", *words)
    assert "export_messages" in done.stdout
    assert '"localise": {"backend": "masks"' in done.stdout
    assert "train.experiments: lifter off" in done.stdout + done.stderr


def test_a_model_may_lie_in_a_folder_with_spaces(tmp_path: Path) -> None:
    project = with_photos(tmp_path / "project")
    model = "my models/depth; echo x"
    (project.folder / model).mkdir(parents=True)
    project.edit({"depth": {"backend": "transformers", "model": model}})
    done = project.snakemake("--dry-run", "--printshellcmds", "depth")
    commands = [line for line in done.stdout.splitlines() if "depth.estimate" in line]
    words = shlex.split(commands[0].split(" > ")[0])
    assert json.loads(words[words.index("--settings") + 1])["model"] == model
