"""Sweet Home 3D libraries, on one made by the test: catalogue, defects, fit, credits."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from workflow_scripts.common.errors import UserError
from workflow_scripts.views.furniture import build, sweethome, sweethome_import

CHAIR = (0.5, 0.5, 0.9)
OBJ = """mtllib chair.mtl
v 0 0 0
v 1 0 0
v 1 0 1
v 0 0 1
v 0 1 0
v 1 1 0
v 1 1 1
v 0 1 1
v 0 2 0
v 1 2 0
vt 3e9 0
vt 1 0
vt 1 1
vt 0 1
vn 0 0 0
usemtl seat
f 5/1/1 8/2/1 7/3/1 6/4/1
f 1/1/1 2/2/1 3/3/1 4/4/1
usemtl back
f 5/1/1 6/2/1 10/3/1 9/4/1
"""
MTL = """newmtl seat
Kd 0 0 0
map_Kd C:\\somewhere\\gone\\missing.jpg
newmtl back
Kd 1 1 1
d 0.3
"""
CATALOGUE = """id=Own
license=CC0 1.0  (c) nobody
id#1=Own#chair
name#1=Plain ch\\u0061ir
model#1=/own/chair/chair.obj
width#1=50
depth#1=50
height#1=90
creator#1=A. Maker
id#2=Own#nosize
name#2=Chair without a size
model#2=/own/chair/chair.obj
id#3=Own#bench
name#3=Long chair
model#3=/own/chair/chair.obj
width#3=250
depth#3=50
height#3=90
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    folder = tmp_path / "furniture"
    folder.mkdir()
    picture = io.BytesIO()
    Image.new("RGB", (1400, 700), (200, 30, 30)).save(picture, format="PNG")
    with zipfile.ZipFile(folder / "Own.sh3f", "w") as file:
        file.writestr(sweethome.CATALOGUE, CATALOGUE.encode("latin-1"))
        file.writestr("own/chair/chair.obj", OBJ)
        file.writestr("own/chair/chair.mtl", MTL)
        file.writestr("own/chair/wood.png", picture.getvalue())
    monkeypatch.setenv(sweethome.FOLDER_VARIABLE, str(folder))
    monkeypatch.setenv(sweethome_import.CACHE_VARIABLE, str(tmp_path / "cache"))
    return folder / "Own.sh3f"


def test_catalogue_leaves_out_what_has_no_size_and_reads_escapes(library):
    chair, bench = sweethome.read_catalogue(library)
    assert (chair.name, chair.creator, chair.licence) == ("Plain chair", "A. Maker", "CC0 1.0")
    assert chair.size_m == (0.5, 0.5, 0.9)
    assert bench.name == "Long chair"


def test_models_are_chosen_by_name_and_by_stretch(library):
    assert [m.model_id for m in sweethome.candidates("Chair", CHAIR)] == ["Own#chair"]
    assert sweethome.candidates("Chair", (1.0, 0.5, 0.9)) == []
    assert sweethome.candidates("Knife", CHAIR) == []


def test_defects_of_a_model_are_repaired(library):
    mesh = sweethome_import.convert(library, "own/chair/chair.obj")
    assert np.abs(mesh.uv).max() <= 1
    textures = [m.texture for m in mesh.materials if m.texture is not None]
    assert [t.shape for t in textures] == [(256, 512, 3)]
    bare = [m for m in mesh.materials if m.texture is None]
    assert max(max(m.colour) for m in bare) <= 0.88
    assert bare[0].transmission == pytest.approx(0.7, abs=0.01)
    low, high = mesh.bounds_m
    np.testing.assert_allclose(high - low, [1, 1, 2], atol=1e-6)
    # The back stood at OBJ z = 0, away from the front (+z): ours is at the low end of y.
    back = mesh.vertices_m[mesh.vertices_m[:, 2] > 1.5]
    np.testing.assert_allclose(back[:, 1], low[1], atol=1e-6)


def test_a_converted_model_is_cached_and_reads_back_equal(library):
    first = sweethome_import.load_model(library, "own/chair/chair.obj")
    sweethome_import.load_model.cache_clear()
    again = sweethome_import.load_model(library, "own/chair/chair.obj")
    np.testing.assert_array_equal(first.vertices_m, again.vertices_m)
    np.testing.assert_array_equal(first.materials[0].texture, again.materials[0].texture)
    assert not list((sweethome_import.cache_folder() / "sweethome3d").glob("*.partial*"))


def test_auto_takes_the_model_where_it_fits_and_fills_the_box(library):
    mesh = build("Chair", CHAIR, "Chair_own_test", library="auto")
    assert len(mesh.faces) == 6
    low, high = mesh.bounds_m
    np.testing.assert_allclose(high - low, CHAIR, atol=1e-3)
    assert len(build("Knife", (0.02, 0.3, 0.04), "Knife_own_test", library="auto").faces) > 12


def test_a_seat_at_another_height_is_refused(library):
    # The seat is at half the box's height, as a chair's must be; a table's top is its box's top.
    mesh = sweethome_import.load_model(library, "own/chair/chair.obj")
    fits = sweethome.Asset("a", "Chair", *CHAIR, None, (), False)
    too_low = sweethome.Asset("a", "CoffeeTable", *CHAIR, None, (), False)
    assert sweethome.supports_its_surfaces(mesh, fits)
    assert not sweethome.supports_its_surfaces(mesh, too_low)


def test_credits_name_model_creator_and_licence(library, monkeypatch):
    asset = sweethome.Asset("Chair_x", "Chair", *CHAIR, None, (), False)
    monkeypatch.setattr(sweethome, "assets", lambda: {"Chair_x": asset})
    (row,) = sweethome.credits(["Chair_x", "Chair_x", "unknown"])
    assert (row.library, row.model, row.creator) == ("Own", "Plain chair", "A. Maker")
    assert row.licence == "CC0 1.0"


def test_asking_for_a_library_that_is_not_there_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv(sweethome.FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(UserError, match="apt-get install sweethome3d-furniture"):
        build("Chair", CHAIR, "Chair_demand", library="sweethome3d")


def test_a_broken_library_is_named(tmp_path):
    (tmp_path / "Bad.sh3f").write_bytes(b"no zip")
    with pytest.raises(UserError, match=r"Bad\.sh3f"):
        sweethome.read_catalogue(tmp_path / "Bad.sh3f")


@pytest.mark.skipif(
    not sweethome.DEBIAN_FOLDER.is_dir(), reason="sweethome3d-furniture is not there"
)
def test_the_installed_libraries_fit_chairs(tmp_path, monkeypatch):
    monkeypatch.setenv(sweethome_import.CACHE_VARIABLE, str(tmp_path))
    assert len(sweethome.models()) > 500
    assert sweethome.candidates("Chair", CHAIR)
