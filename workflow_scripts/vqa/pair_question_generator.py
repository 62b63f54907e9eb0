"""Ask about two views of one room; what is asked is drawn as for single views."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.questions import Question, Referent
from workflow_scripts.common.records import Form
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.vqa.batch import Batch, ReferringExpressions
from workflow_scripts.vqa.drawing import IMAGE_SUFFIXES, draw_annotations, save_jpeg
from workflow_scripts.vqa.families.two_views import TWO_VIEW_FAMILIES
from workflow_scripts.vqa.question_generator import (
    GeneratedQuestion,
    QuestionConfig,
    write_reasoning,
)
from workflow_scripts.vqa.question_record import build_question_record
from workflow_scripts.vqa.question_types.base import Margins
from workflow_scripts.vqa.question_types.two_views import TwoViews
from workflow_scripts.vqa.reasoning.question_instance import QuestionInstance
from workflow_scripts.vqa.sampling import Difficulty, Sampler, Stratum, difficulties
from workflow_scripts.vqa.view_context import ViewContext
from workflow_scripts.vqa.view_pair import ViewPair, can_pair, make_view_pair, side_by_side

# A row of the shard's views, and what it shows.
ViewAndContext = tuple[Any, ViewContext]


class PairQuestionGenerator:
    """Asks about pairs of views, one after the other, and keeps the answers balanced."""

    def __init__(
        self, *, margins: Margins, config: QuestionConfig, questions_per_pair: int
    ) -> None:
        self.margins = margins
        self._config = config
        self._budget = questions_per_pair
        self._sampler = Sampler()
        self.dropped: Counter[tuple[str, str, str]] = Counter()
        weights = config.weights or {}
        self._weight = {
            family.name: weights.get(family.name, 1.0)
            for family in TWO_VIEW_FAMILIES
            if config.families is None or family.name in config.families
        }

    @property
    def is_enabled(self) -> bool:
        """Say whether any question about two views is wished for."""
        return self._budget > 0 and any(weight > 0 for weight in self._weight.values())

    def generate(
        self, pair: ViewPair, forms: Sequence[Form], *, split: str, rng: np.random.Generator
    ) -> list[GeneratedQuestion]:
        """Return at most so many questions about a pair as wished for, families in turn."""
        strata = [
            Stratum(
                family,
                family.form,
                self._weight[family.name],
                batches,
                [difficulties(batch, family, pair.margins, pair.first) for batch in batches],
            )
            for family in TWO_VIEW_FAMILIES
            if self._weight.get(family.name, 0.0) > 0 and family.form in forms
            if (batches := [one for one in family.generate_batches(family, pair, rng) if len(one)])
        ]
        drawn = self._sampler.draw(strata, budget=self._budget, split=split, rng=rng)
        return [self._build_question(pair, draw, rng) for draw in drawn]

    def _build_question(
        self,
        pair: ViewPair,
        drawn: tuple[Stratum, Batch, int, Difficulty],
        rng: np.random.Generator,
    ) -> GeneratedQuestion:
        stratum, batch, row, difficulty = drawn
        family = stratum.family
        assert isinstance(family, TwoViews)
        expressions = pair.mark_expressions if family.form == "marked" else pair.name_expressions
        questions, sentences = batch.write(
            np.array([row]), expressions, rng, limit=self._config.num_phrasings
        )
        truth = batch.truth_of(row, expressions)
        sentence = sentences[0]
        short = batch.short_answer(row, truth)
        return GeneratedQuestion(
            family=family,
            form=family.form,
            batch=batch,
            row=row,
            question=questions[0],
            answer=sentence if self._config.answer_style == "sentence" else short,
            sentence=sentence,
            truth=truth,
            choices=batch.choices_of(row, expressions),
            difficulty=difficulty,
            evidence=pair_evidence(pair, family, batch, row),
            referents=tuple(
                _referent(pair, place, expressions, family) for place in batch.objects[row].tolist()
            ),
            reasoning=(
                write_reasoning(
                    stratum,
                    QuestionInstance(pair.first, batch, row, expressions, pair),
                    self.dropped,
                )
                if self._config.reasoning
                else ""
            ),
        )


def pair_evidence(pair: ViewPair, family: TwoViews, batch: Batch, row: int) -> dict[str, float]:
    """Return the measured quantities behind an answer."""
    if family.frame == "gravity":
        names = ("right_m", "forward_m", "up_m")
        moved = dict(zip(names, pair.moved_m, strict=True))
        values = {"turn_deg": pair.turn_deg, **moved}
        return {f"camera.{name}": round(value, 4) for name, value in values.items()}
    if family.frame == "camera":
        (object_row,) = batch.objects[row].tolist()
        rows = next((a, b) for a, b in pair.shared_rows if a == object_row)
        return {
            f"{name}.{key}": round(float(value), 4)
            for name, view_context, at in zip(
                ("first", "second"), (pair.first, pair.second), rows, strict=True
            )
            for key, value in (
                ("distance_m", view_context.measured.distance_m[at]),
                ("nearest_m", view_context.measured.nearest_m[at]),
            )
        }
    return {}


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
