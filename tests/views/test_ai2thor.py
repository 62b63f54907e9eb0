"""What only the AI2-THOR backend must do: one process, restarts, Unity's messages and names."""

import numpy as np
import pytest

pytest.importorskip("ai2thor")

from tests.views import houses
from tests.views.unity_standin import StandInController, UnityStandIn, crash
from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.views.backends.ai2thor import FAR_M, Ai2ThorRenderer, with_bar_separated_ids
from workflow_scripts.views.renderer import EngineError

SETTINGS = {"preset": "default", "furniture": "auto", "width_px": 48, "height_px": 36}
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def unity():
    """Count the actions and processes of this test alone."""
    UnityStandIn.actions.clear()
    UnityStandIn.faults.clear()
    UnityStandIn.running = 0
    return UnityStandIn


@pytest.fixture
def renderer():
    with Ai2ThorRenderer(**SETTINGS, controller_class=StandInController) as opened:
        yield opened


def camera(width_px: int = 48, height_px: int = 36) -> Camera:
    return Camera.look(
        (2.5, 1.0, 1.576),
        yaw_deg=20,
        pitch_deg=-25,
        width_px=width_px,
        height_px=height_px,
        vertical_fov_deg=75,
    )


def actions(name: str) -> list[dict]:
    return [action for action in UnityStandIn.actions if action["action"] == name]


def test_one_process_shows_all_houses_and_ends_with_the_block(unity):
    with Ai2ThorRenderer(**SETTINGS, controller_class=StandInController) as renderer:
        assert unity.running == 0
        for number in range(3):
            loaded = renderer.load(houses.living_room(), scene_id=f"s{number}")
            loaded.render(camera(), seed=0)
            loaded.render(camera(), seed=1)
            assert unity.running == 1
    assert unity.running == 0
    assert len(actions("CreateHouse")) == 3
    assert len(actions("AddThirdPartyCamera")) == 3
    assert len(actions("UpdateThirdPartyCamera")) == 6


def test_the_process_ends_when_the_block_fails(unity):
    def fail() -> None:
        with Ai2ThorRenderer(**SETTINGS, controller_class=StandInController) as renderer:
            renderer.load(houses.living_room(), scene_id="s")
            assert unity.running == 1
            raise KeyError("something else")

    with pytest.raises(KeyError, match="something else"):
        fail()
    assert unity.running == 0


def test_unity_gets_the_pose_in_its_axes(renderer):
    renderer.load(houses.living_room(), scene_id="s").render(camera(), seed=0)
    (action,) = actions("UpdateThirdPartyCamera")
    assert action["position"] == pytest.approx({"x": 2.5, "y": 1.576, "z": 1.0})
    # Yaw is clockwise and the horizon counts down.
    assert action["rotation"] == pytest.approx({"x": 25.0, "y": 340.0, "z": 0.0})
    assert action["fieldOfView"] == pytest.approx(75.0)
    assert action["farClippingPlane"] == FAR_M


def test_ids_without_a_bar_are_renamed_for_unity_alone(renderer):
    house = houses.living_room()
    loaded = renderer.load(house, scene_id="s")
    sent = actions("CreateHouse")[0]["house"]
    assert [entry["id"] for entry in sent["objects"]][-1] == "object|lamp_3"
    assert house["objects"][-1]["id"] == "lamp_3"
    assert "lamp_3" in {row.object_id for row in loaded.objects}


def test_renaming_reaches_children_doors_and_windows():
    house = {
        "objects": [{"id": "a", "children": [{"id": "b|1"}, {"id": "c", "children": None}]}],
        "doors": [{"id": "d"}],
        "windows": [{"id": "w|1"}],
    }
    renamed, old = with_bar_separated_ids(house)
    assert old == {"object|a": "a", "object|c": "c", "object|d": "d"}
    assert renamed["objects"][0]["children"][0]["id"] == "b|1"


def test_parts_of_an_object_count_as_the_object(renderer):
    loaded = renderer.load(houses.living_room(), scene_id="s")
    table = next(row for row in loaded.objects if row.category == "DiningTable")
    frame = loaded.render(camera(), seed=0)
    rows = np.flatnonzero((frame.instance == table.instance).any(axis=1))
    assert len(rows) == rows[-1] - rows[0] + 1


def test_nothing_hit_is_nan_without_an_instance(renderer):
    loaded = renderer.load(houses.living_room(), scene_id="s")
    outside = Camera.look(
        (-20, -20, 1), yaw_deg=90, pitch_deg=0, width_px=48, height_px=36, vertical_fov_deg=60
    )
    frame = loaded.render(outside, seed=0)
    assert np.isnan(frame.depth_m).all()
    assert not frame.instance.any()


@pytest.mark.parametrize("failure", [crash(), TimeoutError("timed out (using 100s)")])
@pytest.mark.parametrize("action", ["CreateHouse", "UpdateThirdPartyCamera"])
def test_after_one_crash_or_time_out_a_new_process_is_used(renderer, unity, action, failure):
    calm = renderer.load(houses.living_room(), scene_id="s").render(camera(), seed=0)
    unity.faults[action] = [failure]
    loaded = renderer.load(houses.living_room(), scene_id="s")
    frame = loaded.render(camera(), seed=0)
    np.testing.assert_array_equal(frame.rgb, calm.rgb)
    np.testing.assert_array_equal(frame.instance, calm.instance)
    assert not unity.faults[action]
    assert unity.running == 1


def test_a_house_that_always_crashes_unity_is_given_up_and_the_next_is_shown(renderer, unity):
    house = houses.living_room()
    house["metadata"]["roomSpecId"] = "crash"
    with pytest.raises(UserError, match=r"failed twice with house bad.*=-11") as refusal:
        renderer.load(house, scene_id="bad")
    assert len(str(refusal.value)) < 500
    loaded = renderer.load(houses.living_room(), scene_id="good")
    assert loaded.render(camera(), seed=0).instance.any()
    assert unity.running == 1


def test_unitys_messages_are_shown(renderer):
    house = houses.living_room()
    house["metadata"]["schema"] = "0.0.1"
    with pytest.raises(UserError, match=r"rejects house s: .*schema 0\.0\.1 is not compatible"):
        renderer.load(house, scene_id="s")


def test_an_argument_that_unity_does_not_know_is_refused_at_once(renderer, unity):
    loaded = renderer.load(houses.living_room(), scene_id="s")
    with pytest.raises(UserError, match=r"UpdateThirdPartyCamera has no argument \['roll'\]"):
        loaded._step(action="UpdateThirdPartyCamera", thirdPartyCameraId=0, roll=3)
    assert unity.running == 1


def test_an_engine_that_cannot_start_is_no_fault_of_the_house():
    def broken(**settings):
        raise RuntimeError("Vulkan API driver missing.")

    with (
        Ai2ThorRenderer(**SETTINGS, controller_class=broken) as renderer,
        pytest.raises(EngineError, match=r"Vulkan API driver missing.*libvulkan1"),
    ):
        renderer.load(houses.living_room(), scene_id="s")


def test_pictures_of_another_size_are_a_defect_of_ours(renderer):
    loaded = renderer.load(houses.living_room(), scene_id="s")
    with pytest.raises(ValueError, match="Unity runs at"):
        loaded.render(camera(width_px=64), seed=0)
