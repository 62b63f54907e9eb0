"""The page of families says what the families are, and shows a picture of each."""

from pathlib import Path

import pytest
import yaml

from benchmarks import question_examples as table
from benchmarks import video_families
from tests.config import resolved
from workflow_scripts.common.errors import UserError
from workflow_scripts.vqa.families import NAMES

DOCS = Path(__file__).parents[2] / "docs"


def test_the_configuration_names_the_families():
    schema = yaml.safe_load((DOCS.parent / "rules/schemas/config.schema.yaml").read_text())
    families = schema["properties"]["vqa"]["properties"]["families"]
    assert tuple(families["items"]["enum"]) == NAMES


def test_the_page_of_families_is_up_to_date():
    found = table.collect_examples()
    assert set(found) == set(NAMES)
    written = (DOCS / "questions.md").read_text(encoding="utf-8")
    assert written == table.page(found), "run `python -m benchmarks.question_examples`"
    assert {path.stem for path in (DOCS / "questions").glob("*.jpg")} == set(NAMES)


def test_the_section_of_video_families_is_up_to_date():
    page = video_families.PAGE.read_text(encoding="utf-8")
    section = video_families.section(video_families.find_examples())
    assert page.count(video_families.HEADING) == 1
    assert page == video_families.with_section(page, section), (
        "run `python -m benchmarks.video_families`"
    )
    assert video_families.with_section("# A\n\n## B\n", section) == f"# A\n\n## B\n\n{section}"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"families": ["carried_by"]}, "'carried_by' is not allowed; it is now 'supported_by'"),
        ({"weights": {"boxing": 1}}, "'boxing' is not allowed; it is now 'box_grounding'"),
        ({"margin_picture": 0.1}, "vqa.margin_picture: unknown key; it is now vqa.margin_image"),
        ({"hub": {"licence": "mit"}}, "vqa.hub.licence: unknown key; it is now vqa.hub.license"),
    ],
)
def test_a_name_of_an_earlier_version_is_refused_with_the_new_one(settings, message):
    with pytest.raises(UserError) as refused:
        resolved({"vqa": settings})
    assert message in str(refused.value)
