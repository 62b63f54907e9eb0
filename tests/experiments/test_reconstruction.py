"""Settings of experiments that reconstruct rooms: modes as presets, and what is refused."""

import json

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.experiments.base import Experiment, WorkflowContext
from workflow_scripts.experiments.reconstruction import KIND, MODES, ReconstructionSettings

SERVER = {"model": "m", "base_url": "http://localhost:1/v1"}


def settings(**values: object) -> ReconstructionSettings:
    return ReconstructionSettings.parse(values)


def prompt_parts(one: ReconstructionSettings, use: str) -> set[str]:
    prompt = getattr(one, f"{use}_input").prompt
    return {name for name, is_said in prompt if is_said}


PUBLISHED = {"floor_polygon", "position"}


@pytest.mark.parametrize(
    ("mode", "train_parts", "test_parts", "train_marks", "depth"),
    [
        ("ft", PUBLISHED, PUBLISHED, 0, "none"),
        ("depth", PUBLISHED, PUBLISHED, 0, "luminance"),
        ("orient_language", PUBLISHED | {"yaw"}, PUBLISHED | {"yaw"}, 0, "none"),
        ("visual_point", PUBLISHED, PUBLISHED, 1, "none"),
    ],
)
def test_published_modes(
    mode: str, train_parts: set[str], test_parts: set[str], train_marks: int, depth: str
) -> None:
    one = settings(mode=mode)
    assert (one.layout.format, one.layout.frame, one.layout.objects) == ("r2d3", "world", "all")
    assert not one.layout.include_children
    assert prompt_parts(one, "train") == train_parts
    assert prompt_parts(one, "test") == test_parts
    assert one.train_input.picture.marks == train_marks
    assert one.test_input.picture.marks == 0
    assert one.train_input.picture.depth == one.test_input.picture.depth == depth
    if train_marks:
        assert one.train_input.picture.mark_place == "centre"


def test_without_a_mode_it_is_our_layout() -> None:
    one = settings()
    assert (one.layout.format, one.layout.frame) == ("object_list", "level_camera")
    assert one.layout.objects == "visible"
    assert one == ReconstructionSettings()
    # What is set beside K leaves K in the prompt.
    more = settings(train_input={"prompt": {"pitch": True}})
    assert prompt_parts(more, "train") == {"intrinsics", "pitch"}
    assert prompt_parts(settings(test_input={"picture": {"marks": 1}}), "test") == {"intrinsics"}


@pytest.mark.parametrize("server", [None, SERVER])
@pytest.mark.parametrize("mode", [None, *MODES])
def test_what_is_resolved_is_read_as_the_same(mode: str | None, server: object) -> None:
    one = settings(mode=mode, server=server, layout={"max_objects": 9})
    assert ReconstructionSettings.parse(one.model_dump(mode="json")) == one


def test_an_experiment_s_own_settings_win_over_its_mode() -> None:
    one = settings(mode="ft", layout={"format": "object_list", "frame": "room"}, train_input={})
    assert (one.layout.format, one.layout.frame, one.layout.objects) == (
        "object_list",
        "room",
        "all",
    )
    off = settings(mode="orient_language", test_input={"prompt": {"yaw": False}})
    assert prompt_parts(off, "test") == PUBLISHED
    assert prompt_parts(off, "train") == PUBLISHED | {"yaw"}


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("r2d3", "world"),
        ("spatiallm", "level_camera"),
        ("qwen3vl", "opencv_camera"),
        ("object_list", "level_camera"),
    ],
)
def test_a_format_has_its_usual_frame(name: str, frame: str) -> None:
    assert settings(layout={"format": name}).layout.frame == frame


def test_a_mode_s_frame_gives_way_to_a_format_that_cannot_have_it() -> None:
    assert settings(mode="ft", layout={"format": "qwen3vl"}).layout.frame == "opencv_camera"
    assert settings(mode="ft", layout={"format": "spatiallm"}).layout.frame == "world"


def test_a_server_is_told_how_to_write_unless_it_is_turned_off() -> None:
    assert settings(server=SERVER).test_input.prompt.format_help
    assert not settings(server=SERVER).train_input.prompt.format_help
    assert not settings().test_input.prompt.format_help
    told_nothing = settings(server=SERVER, test_input={"prompt": {"format_help": False}})
    assert not told_nothing.test_input.prompt.format_help


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mode": "ftt"}, "mode: 'ftt' is not allowed; .*did you mean 'ft'"),
        ({"mode": ["ft"]}, "mode: "),
        ({"layout": {"format": "qwen3vl", "frame": "room"}}, "layout.frame: room, but format"),
        ({"layout": {"fields": ["size", "yaw"]}}, "layout.fields: has no center"),
        ({"layout": {"fields": ["centre", "centre"]}}, "stands twice"),
        ({"layout": {"format": "omni3d"}}, "layout.format: 'omni3d' is not allowed"),
        ({"layout": {"precision_m": 0}}, "layout.precision_m"),
        ({"layout": 3}, "layout: 3 must be a group of keys"),
        ({"train_input": {"picture": {"marks": 5}}}, "train_input.picture.marks: 5"),
        ({"train_input": {"promt": {}}}, "train_input.promt: unknown key; .*did you mean 'prompt'"),
        ({"view_policies": ["cornr"]}, "view_policies.*did you mean 'corner'"),
        ({"view_policies": []}, "view_policies"),
        ({"server": {"base_url": "ftp://a"}}, "server.base_url"),
        ({"families": ["wider"]}, "families: unknown key"),
    ],
)
def test_what_cannot_be_is_one_line(values: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        settings(**values)


def comparison_context(**experiments: object) -> WorkflowContext:
    values = {
        name: {"kind": "reconstruction", "base": "some/hub-id", **given}
        for name, given in experiments.items()
    }
    config = {
        "train": {"experiments": values},
        "evaluate": {"split": "test", "num_parts": 1, "focal_factors": []},
        "depth": {"backend": "simulator"},
        "sources": {},
    }
    return WorkflowContext(config, {"procthor": ["0000"]}, {"procthor": "house"})


def test_scores_wait_for_the_answers_of_the_experiments_beside_them() -> None:
    one = Experiment("own", KIND, settings(base="some/hub-id", compare_with=["ft"]))
    context = comparison_context(own={}, ft={"mode": "ft"})
    KIND.check(one, context)
    arguments = one.scorer_arguments(context)
    assert arguments.inputs["compared"] == ["results/evaluate/ft/predictions.image.000.jsonl"]
    layouts = json.loads(arguments.settings)["compared_layouts"]
    assert layouts["ft"]["format"] == "r2d3"
    plain = Experiment("own", KIND, settings(base="some/hub-id"))
    assert one.training_arguments(context) == plain.training_arguments(context)
    assert "--compared" not in plain.scorer_arguments(context).command_line()


def test_only_experiments_of_the_kind_stand_beside_scores() -> None:
    one = Experiment("own", KIND, settings(base="some/hub-id", compare_with=["flat"]))
    with pytest.raises(UserError, match=r"own\.compare_with: flat is not another .* \(ft\)"):
        KIND.check(one, comparison_context(own={}, ft={}))
