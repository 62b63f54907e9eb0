"""Settings of source `scans`: published annotation files in words, and boxes of a detector."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from workflow_scripts.config.base import Settings, SettingsError, UserPath

AnnotationSplit = Literal["train", "val", "test"]
ANNOTATION_SPLITS: tuple[AnnotationSplit, ...] = ("train", "val", "test")
WITH_LABELS = ("scanrefer", "scan2cap")


class SplitFiles(Settings):
    """A file for each split; null: none."""

    train: UserPath | None = Field(
        None, description="file whose samples are trained on; null: none"
    )
    val: UserPath | None = Field(
        None, description="file whose samples validate a training; null: none"
    )
    test: UserPath | None = Field(
        None,
        description="file whose samples are scored: also a published validation file, where the "
        "test file has no answers; null: none",
    )


class SituatedFiles(Settings):
    """The two files of SQA3D of one split."""

    questions: UserPath = Field(description="v1_balanced_questions_<split>_scannetv2.json")
    annotations: UserPath = Field(description="v1_balanced_sqa_annotations_<split>_scannetv2.json")


class SituatedSplitFiles(Settings):
    """Two files for each split; null: none."""

    train: SituatedFiles | None = Field(
        None, description="files whose samples are trained on; null: none"
    )
    val: SituatedFiles | None = Field(
        None, description="files whose samples validate a training; null: none"
    )
    test: SituatedFiles | None = Field(
        None, description="files whose samples are scored; null: none"
    )


class ProcessedSplitFiles(Settings):
    """Any number of files for each split."""

    train: tuple[UserPath, ...] = Field((), description="files whose samples are trained on")
    val: tuple[UserPath, ...] = Field((), description="files whose samples validate a training")
    test: tuple[UserPath, ...] = Field((), description="files whose samples are scored")


@dataclass(frozen=True)
class AnnotationFiles:
    """The files of a data set and a split: one, or SQA3D's questions and annotations.

    `key` is their place in the configuration, for messages; `is_one_of_several` files there.
    """

    dataset: str
    split: AnnotationSplit
    paths: tuple[Path, ...]
    is_one_of_several: bool = False

    @property
    def key(self) -> str:
        """Return the key below `annotations`."""
        return f"{self.dataset}.{self.split}"


class AnnotationsSettings(Settings):
    """Published descriptions of and questions about scans (docs/video.md draws each file)."""

    scanrefer: SplitFiles | None = Field(
        None, description="ScanRefer_filtered_<split>.json, for grounding; null: none"
    )
    multi3drefer: SplitFiles | None = Field(
        None,
        description="multi3drefer_<split>.json, for grounding of none, one or several; null: none",
    )
    scan2cap: SplitFiles | None = Field(
        None, description="ScanRefer_filtered_<split>.json, for dense captioning; null: none"
    )
    scanqa: SplitFiles | None = Field(None, description="ScanQA_v1.0_<split>.json; null: none")
    sqa3d: SituatedSplitFiles | None = Field(
        None, description="balanced questions and annotations of SQA3D; null: none"
    )
    processed: ProcessedSplitFiles | None = Field(
        None,
        description="<data set>_<split>_llava_style.json of Video-3D LLM, of any of the data sets; "
        "null: none",
    )
    labels: UserPath | None = Field(
        None,
        description="scannetv2-labels.combined.tsv of ScanNet, by which scanrefer and scan2cap "
        "tell unique from multiple objects; null: neither is used",
    )
    predicted_boxes: tuple[UserPath, ...] = Field(
        (),
        description="files of a detector's boxes, {scan: [[x, y, z, dx, dy, dz], ...]}: scans in "
        "them that are not trained on offer these boxes to choose from, others those of their "
        "annotated objects",
    )

    generated: bool = Field(
        True,
        description="also ask generated questions about the scans of the source; false: published "
        "samples only",
    )

    @model_validator(mode="after")
    def _has_labels(self) -> "AnnotationsSettings":
        needing = [name for name in WITH_LABELS if getattr(self, name) is not None]
        if needing and self.labels is None:
            problem = (
                f"null, but {needing[0]} needs ScanNet's table of classes: give the path of "
                "scannetv2-labels.combined.tsv"
            )
            raise SettingsError((("labels",), problem))
        return self

    def files(self) -> Iterator[AnnotationFiles]:
        """Yield the files of every data set and split that are given."""
        for dataset in ("scanrefer", "multi3drefer", "scan2cap", "scanqa", "sqa3d", "processed"):
            splits = getattr(self, dataset)
            for split in ANNOTATION_SPLITS:
                given = None if splits is None else getattr(splits, split)
                if isinstance(given, SituatedFiles):
                    paths = (Path(given.questions), Path(given.annotations))
                    yield AnnotationFiles(dataset, split, paths)
                elif isinstance(given, tuple):
                    for path in given:
                        yield AnnotationFiles(dataset, split, (Path(path),), True)
                elif given is not None:
                    yield AnnotationFiles(dataset, split, (Path(given),))

    def all_paths(self) -> tuple[str, ...]:
        """Return every file that is given."""
        paths = [str(path) for files in self.files() for path in files.paths]
        labels = [] if self.labels is None else [self.labels]
        return (*paths, *labels, *self.predicted_boxes)
