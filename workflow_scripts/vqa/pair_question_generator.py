"""Questions about two views of one room, drawn as those about single views."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.questions import Question, Referent
from workflow_scripts.common.records import Form
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.vqa import QuestionSettings
from workflow_scripts.vqa.batch import ReferringExpressions
from workflow_scripts.vqa.drawing import IMAGE_SUFFIXES, draw_annotations, save_jpeg
from workflow_scripts.vqa.families import TWO_VIEW_FAMILIES
from workflow_scripts.vqa.margins import Margins
from workflow_scripts.vqa.question_generator import (
    GeneratedQuestion,
    build_question,
    family_weight,
)
from workflow_scripts.vqa.question_record import build_question_record
from workflow_scripts.vqa.question_types.two_views import TwoViews
from workflow_scripts.vqa.reasoning.question_instance import QuestionInstance
from workflow_scripts.vqa.sampling import (
    DrawnRow,
    DropCounts,
    Sampler,
    Stratum,
    difficulties,
)
from workflow_scripts.vqa.view_context import ViewContext
from workflow_scripts.vqa.view_pair import ViewPair, can_pair, make_view_pair, side_by_side

# A row of the shard's views, and what it shows.
ViewAndContext = tuple[Any, ViewContext]


class PairQuestionGenerator:
    """Generates questions about pairs of views, and balances the answers over them."""

    def __init__(self, settings: QuestionSettings, *, reasoning: bool = False) -> None:
        """Make a generator; with `reasoning`, questions come with the steps to their answers."""
        self.margins = Margins.of_settings(settings)
        self._settings = settings
        self._reasoning = reasoning
        self._sampler = Sampler()
        self._families = [
            family for family in TWO_VIEW_FAMILIES if family_weight(family, settings) > 0
        ]
        self.dropped: DropCounts = Counter()

    @property
    def is_enabled(self) -> bool:
        """Say whether any question about two views may be asked."""
        return self._settings.questions_per_pair > 0 and bool(self._families)

    def generate(
        self, pair: ViewPair, forms: Sequence[Form], *, split: str, rng: np.random.Generator
    ) -> list[GeneratedQuestion]:
        """Return questions about a pair, within the budget, families in turn."""
        strata = []
        for family in self._families:
            if family.form not in forms:
                continue
            batches = [batch for batch in family.generate_batches(family, pair, rng) if len(batch)]
            if batches:
                levels = [
                    difficulties(batch, family, pair.margins, pair.first) for batch in batches
                ]
                weight = family_weight(family, self._settings)
                strata.append(Stratum(family, family.form, weight, batches, levels))
        drawn = self._sampler.draw(
            strata, budget=self._settings.questions_per_pair, split=split, rng=rng
        )
        return [self._build_question(pair, draw, rng) for draw in drawn]

    def _build_question(
        self, pair: ViewPair, drawn: DrawnRow, rng: np.random.Generator
    ) -> GeneratedQuestion:
        stratum, batch, row, _ = drawn
        family = stratum.family
        assert isinstance(family, TwoViews)
        expressions = pair.mark_expressions if family.form == "marked" else pair.name_expressions
        return build_question(
            drawn,
            QuestionInstance(pair.first, batch, row, expressions, pair),
            self._settings,
            rng,
            evidence=family.evidence(pair, batch, row),
            referents=[
                _referent(pair, appearance, expressions, family)
                for appearance in batch.objects[row].tolist()
            ],
            reasoning=self._reasoning,
            dropped=self.dropped,
        )


def _referent(
    pair: ViewPair, appearance: int, expressions: ReferringExpressions, family: TwoViews
) -> Referent:
    view_context, row = pair.context_of(appearance)
    shift = pair.offset_px(appearance)
    u, v = view_context.mark_px[row].tolist()
    x0, y0, x1, y1 = view_context.measured.box_px[row].tolist()
    marked = family.form == "marked"
    return Referent(
        instance=pair.instance(appearance),
        object_id=view_context.measured.object_id[row],
        category=view_context.categories[row],
        phrase=expressions.phrases[appearance],
        mark=expressions.bare[appearance] if marked else "",
        pixel=(u + shift, v) if marked else None,
        box=(x0 + shift, y0, x1 + shift, y1),
    )


def show_same_room(one: ViewAndContext, other: ViewAndContext) -> bool:
    """Say whether two views show one room from known places, looking about level."""
    (row, view_context), (next_row, next_context) = one, other
    room, next_room = ((r.scene_id, r.room_id, r.split) for r in (row, next_row))
    known = "none" not in (row.pose_source, next_row.pose_source)
    return known and room == next_room and can_pair(view_context, next_context)


def generate_pair_questions(
    shard: ViewShard,
    generator: PairQuestionGenerator,
    one: ViewAndContext,
    other: ViewAndContext,
    *,
    images: Path,
    prefix: str,
    forms: Sequence[Form],
    seed: int,
) -> Iterator[Question]:
    """Yield the questions about two views, and save the pictures they are about.

    Each picture is saved by itself too; `images` of the records names those.
    """
    (row, first), (next_row, second) = one, other
    both = f"{row.view_id}+{next_row.view_id}"
    rng = seeded(seed, "vqa pairs", row.source, both)
    pair = make_view_pair(first, second, generator.margins, rng)
    generated = generator.generate(pair, forms, split=row.split, rng=rng)
    for form in dict.fromkeys(question.form for question in generated):
        drawn = draw_pair(shard, pair, form)
        name = f"{both}{IMAGE_SUFFIXES[form]}"
        save_jpeg(images / f"{name}.jpg", side_by_side(*drawn))
        for number, picture in enumerate(drawn, 1):
            save_jpeg(images / f"{name}-{number}.jpg", picture)
    for number, item in enumerate(generated):
        name = f"{prefix}/{both}{IMAGE_SUFFIXES[item.form]}"
        plain = build_question_record(item, first, row, number, image=f"{name}.jpg", seed=seed)
        yield plain.model_copy(
            update={
                "question_id": f"{row.source}-{both}-{number:03d}",
                "view_id": both,
                "width_px": pair.width_px,
                "height_px": max(first.size_px[1], second.size_px[1]),
                "images": [f"{name}-{place}.jpg" for place in (1, 2)],
            }
        )


def draw_pair(shard: ViewShard, pair: ViewPair, form: Form) -> tuple[np.ndarray, np.ndarray]:
    """Return the two pictures with their marks, if the form has any."""
    drawn = []
    for view_context in (pair.first, pair.second):
        placed = {}
        for colour, appearance in pair.marks.items():
            shown, row = pair.context_of(appearance)
            if shown is view_context:
                placed[colour] = row
        drawn.append(
            draw_annotations(shard.rgb(view_context.measured.view), view_context, form, placed)
        )
    return drawn[0], drawn[1]
