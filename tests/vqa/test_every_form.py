"""Every family in every form, whatever the settings: nothing is left out and no slot is empty."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from testing.vqa.scenes import DEFAULT_MARGINS, furnished_shard, view_contexts
from tests.config import resolved
from tests.vqa.generation import generate_for_shard
from workflow_scripts.common.seeds import rng
from workflow_scripts.vqa.enumerate_questions import enumerate_batches
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.question_types.base import ALL_FORMS

CONFIG = resolved(
    yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8"))
)


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    return furnished_shard(tmp_path_factory.mktemp("views"), num_scenes=1)


@pytest.fixture(scope="module")
def room_contexts(views):
    return view_contexts(views)[:3]


def written(room_contexts, form, **settings):
    """Yield (family and batch, questions, answers) in every phrasing, all objects marked."""
    for view_context in room_contexts:
        marks = {form: {f"colour{row}": row for row in range(len(view_context))}}
        for found_batch in enumerate_batches(
            view_context, DEFAULT_MARGINS, seed=1, form=form, marks=marks, multiple_choice=True
        ):
            most = max(len(found_batch.batch.questions), len(found_batch.batch.answers))
            rows = np.arange(most) % len(found_batch.batch)
            yield (
                found_batch,
                *found_batch.batch.write(rows, found_batch.expressions, rng(1, "w"), **settings),
            )


@pytest.mark.parametrize("form", ALL_FORMS)
def test_every_family_can_be_asked_in_each_of_its_forms_and_phrasings(room_contexts, form):
    asked_families = set()
    for one, questions, answers in written(room_contexts, form, limit=None):
        asked_families.add(one.family.name)
        for text in {*questions, *answers}:
            assert not re.search(r"[{}]|  |\bthe the\b", text), text
            assert re.match(r"[A-Z(<0-9]", text), text
    assert asked_families == {family.name for family in FAMILIES if form in family.forms}


@pytest.mark.parametrize(("seed", "style"), [(1, "short"), (2, "sentence")])
def test_the_default_flags_ask_every_form_with_any_seed(views, tmp_path, style, seed):
    settings = CONFIG["vqa"]
    names = ["questions_per_view", "num_phrasings", "multiple_choice", "margin_m", "margin_ratio"]
    questions, _ = generate_for_shard(
        views,
        tmp_path / "procthor",
        weights=settings["weights"],
        forms=ALL_FORMS,
        answer_style=style,
        units="mixed",
        seed=seed,
        **{name: settings[name] for name in names},
    )
    assert {question.form for question in questions} == set(ALL_FORMS)
    assert len({question.family for question in questions}) > 20
    assert all(
        question.kind != "multiple_choice" or question.family == "identify"
        for question in questions
    )
