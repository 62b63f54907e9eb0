"""Settings: descriptions are needed, a rule's JSON has its own fields only."""

import json

import pytest
from pydantic import Field

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.base import Settings, section_json
from workflow_scripts.config.vqa import CardSettings, PushSettings, QuestionSettings, VqaSettings
from workflow_scripts.experiments.vlm import VlmTrainingSettings


def test_a_field_without_description_is_a_defect() -> None:
    with pytest.raises(TypeError, match="Short: no description: number"):

        class Short(Settings):
            number: int = Field(1)


def test_a_rules_json_changes_with_its_own_fields_only() -> None:
    before = section_json(VqaSettings(), QuestionSettings)
    assert json.loads(before)["questions_per_view"] == 48
    for own in ({"gallery_pictures": 3}, {"exports": []}, {"hub": {"private": False}}):
        assert section_json(VqaSettings.parse(own), QuestionSettings) == before
    other = section_json(VqaSettings(margin_m=0.2), QuestionSettings)
    assert json.loads(other) == {**json.loads(before), "margin_m": 0.2}


def test_a_rules_json_is_the_same_from_models_and_from_resolved_settings() -> None:
    settings = VqaSettings.parse({"margin_deg": 5, "hub": {"repo": "a/b"}})
    plain = settings.model_dump(mode="json")
    assert section_json(plain, QuestionSettings) == section_json(settings, QuestionSettings)
    assert '"margin_deg": 5.0' in section_json(plain, QuestionSettings)
    assert section_json(plain["hub"], CardSettings) == (
        '{"license": "other", "name": "Sightline spatial VQA", "repo": "a/b"}'
    )
    assert set(json.loads(section_json(plain["hub"], PushSettings))) == {
        *("dry_run", "private", "repo")
    }


def test_plain_values_are_refused_in_one_line() -> None:
    with pytest.raises(UserError) as caught:
        VlmTrainingSettings.parse({"lora": {"r": 0}, "families": ["widerr"], "steps": "many"})
    assert str(caught.value).split("; ", 1)[0].startswith("families.0: 'widerr' is not allowed")
    assert "lora.r: 0 is less than the minimum of 1 (rank of the adapters)" in str(caught.value)
    assert "steps: 'many' must be an integer (optimizer steps)" in str(caught.value)
