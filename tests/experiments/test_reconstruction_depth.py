"""What an experiment of kind reconstruction may not ask for."""

from typing import Any

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.experiments.base import Experiment, WorkflowContext
from workflow_scripts.experiments.reconstruction import KIND, ReconstructionSettings

OVERLAY = {"picture": {"depth": "luminance", "depth_source": "estimated"}}


def check(backend: str, factors: list[float], **settings: Any) -> None:
    config = {"depth": {"backend": backend}, "evaluate": {"focal_factors": factors}}
    values = {"server": {"model": "m", "base_url": "http://127.0.0.1:1/v1"}, **settings}
    context = WorkflowContext(config=config, shards={"procthor": ()}, scene_kinds={})
    KIND.check(Experiment("rooms", KIND, ReconstructionSettings.parse(values)), context)


def test_estimated_depth_needs_an_estimator_and_is_not_of_rooms_drawn_again() -> None:
    check("simulator", [0.5])
    check("transformers", [], test_input=OVERLAY)
    with pytest.raises(UserError, match=r"test_input\.picture\.depth_source.*depth\.backend"):
        check("simulator", [], test_input=OVERLAY)
    with pytest.raises(UserError, match=r"depth_source.*evaluate\.focal_factors"):
        check("transformers", [0.5], test_input=OVERLAY)


def test_a_server_is_no_base() -> None:
    with pytest.raises(UserError, match=r"experiments\.rooms\.base: api; .*server: \{model"):
        check("simulator", [], base="api", server=None)
    check("simulator", [], base="api")
