"""Turn the entries of one annotation file into samples, and keep account of what is left out."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.scan_samples import ScanSample, ScanTask
from workflow_scripts.sources.annotation_settings import AnnotationFiles
from workflow_scripts.sources.readers.scans.language_files import read_entries
from workflow_scripts.vqa.scans.annotations.annotated_scans import (
    AnnotatedObject,
    AnnotatedScan,
    AnnotatedScans,
)
from workflow_scripts.vqa.scans.annotations.entries import Entry

MakeSamples = Callable[[Entry, AnnotatedScan], list[ScanSample]]


@dataclass
class AnnotationFile:
    """A data set's file (or two) of one split, and the scans that it may be about.

    Attributes:
        files: data set, split and paths.
        source: name of the source of the scans.
        scans: the scans of the source.
        classes: NYU40 class of ScanNet's names of objects.
        skipped: what was left out so far.
    """

    files: AnnotationFiles
    source: str
    scans: AnnotatedScans
    classes: dict[str, int] = field(default_factory=dict)
    skipped: list[SkippedItem] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _num_names: int = 0
    _num_other_names: int = 0
    _other_name: str = ""

    @property
    def is_training(self) -> bool:
        """Say whether its samples are trained on."""
        return self.files.split == "train"

    @cached_property
    def entries(self) -> list[Any]:
        """Entries of the first file, as they are."""
        return read_entries(self.files.paths[0], "questions" if len(self.files.paths) > 1 else "")

    def samples(self, make: MakeSamples) -> Iterator[ScanSample]:
        """Yield the samples that `make` returns for each entry whose scan is there.

        An entry that `make` refuses (`UserError`) is a row with the reason, entries of a scan that
        cannot be asked about are one row together.

        Raises:
            UserError: Nothing can be used.
        """
        errors, count = ItemErrors(), 0
        without: Counter[tuple[str, str]] = Counter()
        for number, value in enumerate(self.entries):
            scan_name = ""
            try:
                entry = Entry.read(value)
                scan_name = entry.scan
                scan = self.scans.get(scan_name)
                reason = self._unusable(scan)
                if scan is None or reason:
                    without[scan_name, reason] += 1
                    continue
                made = make(entry, scan)
            except Exception as error:
                where = f"{self.files.key} entry {number}"
                self.skip(scan_name, f"entry {number}", errors.reason(error, where))
                continue
            count += len(made)
            yield from made
        for (name, reason), number in sorted(without.items()):
            self.skip(name, f"{number} entries", reason)
        self._require_some(count, without, errors)

    def skip(self, scan_name: str, item: str, reason: str) -> None:
        """Record what is left out of a scan."""
        scan = self.scans.get(scan_name)
        if self.files.is_one_of_several:
            item = f"{self.files.paths[0].name} {item}"
        self.skipped.append(
            SkippedItem(
                source=self.source,
                scene_id=scan_name if scan is None else scan.scene_id,
                item=f"{self.files.key} {item}",
                reason=reason,
            )
        )

    def compare_name(self, target: AnnotatedObject, object_name: str) -> None:
        """Count whether an object has another name in its scan than in this file."""
        self._num_names += 1
        self._num_other_names += _words(target.category) != _words(object_name)
        self._other_name = self._other_name or (
            f"object {target.object_id} is {object_name!r} here and {target.category!r} there"
            if _words(target.category) != _words(object_name)
            else ""
        )

    @property
    def warning(self) -> str:
        """Say that most objects have another name in their scan, '' if they have not."""
        if self._num_other_names <= self._num_names / 2:
            return ""
        return (
            f"{self._num_other_names} of {self._num_names} entries name an object otherwise than "
            f"its scan does ({self._other_name}): are the ids those of these scans?"
        )

    def require_new(self, what: str) -> None:
        """Raise `UserError` if something of this name was there before: the first one counts."""
        if what in self._seen:
            raise UserError(f"{what} is listed twice; the first one counts")
        self._seen.add(what)

    def sample(
        self,
        scan: AnnotatedScan,
        name: str,
        *,
        task: ScanTask,
        question_type: str,
        targets: Iterable[AnnotatedObject] = (),
        dataset: str | None = None,
        **values: Any,
    ) -> ScanSample:
        """Return a sample about a scan; `name` makes its id unique in the data set.

        `dataset` is needed where a file has samples of several.
        """
        meant = list(targets)
        known: Any = dataset or self.files.dataset
        return ScanSample(
            sample_id=f"{self.source}-{known}-{self.files.split}-{name}",
            source=self.source,
            scene_id=scan.scene_id,
            split=self.files.split,
            dataset=known,
            task=task,
            question_type=question_type,
            targets=[item.instance for item in meant],
            target_boxes=[item.box for item in meant],
            **values,
        )

    def _unusable(self, scan: AnnotatedScan | None) -> str:
        """Return why no entry of a scan can be used, '' if they can."""
        if scan is None:
            return f"the scan is not among the {len(self.scans.scans)} scans of the source"
        if scan.reason:
            return scan.reason
        if self.is_training != (scan.split == "train"):
            return (
                f"the scan is in split {scan.split}, as another file names it or a scan of the "
                f"same place: its samples of split {self.files.split} would leak"
            )
        return ""

    def _require_some(
        self, count: int, without: Counter[tuple[str, str]], errors: ItemErrors
    ) -> None:
        if count:
            return
        errors.require_some(0)
        paths = ", ".join(str(path) for path in self.files.paths)
        if not self.entries:
            raise UserError(f"{paths}: the file has no entries")
        reasons = [row.reason for row in self.skipped]
        raise UserError(
            f"{paths}: none of {len(self.entries)} entries can be used: "
            f"{most_common_reasons(reasons)}. Correct sources.{self.source}.annotations."
            f"{self.files.key}, or leave it out"
        )


def _words(name: str) -> list[str]:
    return name.replace("_", " ").casefold().split()
