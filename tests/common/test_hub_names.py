"""A path that does not exist is never taken for a name of the hub."""

from pathlib import Path

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.hub_names import is_hub_id, require_model

PATHS = (
    *("./models/x", "../x", "models/x/y", "/models/x", "~/models/x", "~/x", "models/x/", "/x"),
    *("models\\x", "C:\\models\\x", "C:/x", "file:///models/x", "models//x", ".cache/x", "x"),
    *("https://huggingface.co/owner/name", "owner/na me", "owner/name@main", "é/x"),
)


@pytest.mark.parametrize("path", PATHS)
def test_paths_are_no_ids_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not is_hub_id(path)
    with pytest.raises(UserError, match=r"^depth\.model: .*: no such folder; correct the path, or"):
        require_model("depth.model", path)


def test_a_name_below_a_local_folder_is_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    require_model("depth.model", "models/small")
    (tmp_path / "models").mkdir()
    with pytest.raises(UserError, match="models/small: no such folder"):
        require_model("depth.model", "models/small")
    (tmp_path / "models/small").mkdir()
    require_model("depth.model", "models/small")
    require_model("depth.model", str(tmp_path / "models"))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file: no such folder"):
        require_model("depth.model", "file")


@pytest.mark.parametrize("name", ["apple/DepthPro-hf", "Qwen/Qwen2.5-VL-7B-Instruct", "a_b/c.d-e"])
def test_ids_of_the_hub_are_models(name: str) -> None:
    require_model("depth.model", name)
