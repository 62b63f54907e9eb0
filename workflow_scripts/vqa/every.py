"""Write every question that can be asked of a sight: for benchmarks, audits and property tests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workflow_scripts.common.quantities import Units
from workflow_scripts.common.records import Form
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.vqa.ask import Books
from workflow_scripts.vqa.batch import Batch, Book
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.shapes.base import Asking, Family, Margins
from workflow_scripts.vqa.sight import Sight


@dataclass(frozen=True, eq=False)
class Askable:
    """A batch of a family, and the book that names its objects."""

    family: Family
    batch: Batch
    book: Book


def every_batch(
    sight: Sight,
    margins: Margins,
    *,
    seed: int,
    form: Form = "named",
    marks: Mapping[Form, Mapping[str, int]] | None = None,
    units: Units = "metric",
    multiple_choice: bool = False,
    families: Sequence[Family] = FAMILIES,
) -> Iterator[Askable]:
    """Yield all that the families can ask of a sight in a form; `marks` as in `Asker.ask`."""
    rng = seeded(seed, "every")
    books = Books(sight, marks or {}, margins)
    for family in families:
        if form not in family.forms:
            continue
        asking = Asking(
            sight=sight,
            usable=books.usable(family, form, books.dropped),
            book=books.book(family, form),
            form=form,
            margins=margins,
            rng=rng,
            units=units,
            multiple_choice=multiple_choice,
        )
        for batch in family.batches(asking):
            if len(batch):
                yield Askable(family, batch, asking.book)


def every_question(
    sight: Sight, margins: Margins, *, seed: int, limit: int | None = None
) -> list[tuple[str, str]]:
    """Return (question, answer as a sentence) of all that can be asked."""
    rng = seeded(seed, "words")
    written: list[tuple[str, str]] = []
    for one in every_batch(sight, margins, seed=seed):
        written += zip(*one.batch.write(slice(None), one.book, rng, limit=limit), strict=True)
    return written
