"""Every family in every form, whatever the settings: nothing is left out and no slot is empty."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.config import resolved
from tests.vqa.asking import ask
from tests.vqa.scenes import furnished_shard, sights
from workflow_scripts.common.seeds import rng
from workflow_scripts.vqa.every import every_batch
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.shapes.base import ALL_FORMS, Margins

CONFIG = resolved(
    yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8"))
)


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    return furnished_shard(tmp_path_factory.mktemp("views"), num_scenes=1)


@pytest.fixture(scope="module")
def seen(views):
    return sights(views)[:3]


def written(seen, form, **settings):
    """Yield (family and batch, questions, answers) in every phrasing, all objects marked."""
    for sight in seen:
        marks = {form: {f"colour{row}": row for row in range(len(sight))}}
        for one in every_batch(
            sight, Margins(), seed=1, form=form, marks=marks, multiple_choice=True
        ):
            most = max(len(one.batch.questions), len(one.batch.answers))
            rows = np.arange(most) % len(one.batch)
            yield one, *one.batch.write(rows, one.book, rng(1, "w"), **settings)


@pytest.mark.parametrize("form", ALL_FORMS)
def test_every_family_can_be_asked_in_each_of_its_forms_and_phrasings(seen, form):
    asked = set()
    for one, questions, answers in written(seen, form, limit=None):
        asked.add(one.family.name)
        for text in {*questions, *answers}:
            assert not re.search(r"[{}]|  |\bthe the\b", text), text
            assert re.match(r"[A-Z(<0-9]", text), text
    assert asked == {family.name for family in FAMILIES if form in family.forms}


@pytest.mark.parametrize(("seed", "style"), [(1, "short"), (2, "sentence")])
def test_the_default_flags_ask_every_form_with_any_seed(views, tmp_path, style, seed):
    settings = CONFIG["vqa"]
    names = ["questions_per_view", "num_phrasings", "multiple_choice", "margin_m", "margin_ratio"]
    questions, _ = ask(
        views,
        tmp_path / "procthor",
        weights=tuple(f"{name}={number}" for name, number in settings["weights"].items()),
        forms=ALL_FORMS,
        answer_style=style,
        units="mixed",
        seed=seed,
        **{name: settings[name] for name in names},
    )
    assert {one.form for one in questions} == set(ALL_FORMS)
    assert len({one.family for one in questions}) > 20
    assert all(one.kind != "multiple_choice" or one.family == "identify" for one in questions)
