"""Settings of stage evaluate."""

from typing import Annotated, Literal

from pydantic import Field

from workflow_scripts.config.base import Settings, UniqueList, UserPath
from workflow_scripts.config.scan_inputs import SampleSelection

Tokens = Annotated[int, Field(ge=1, le=4096)]
BenchmarkName = Annotated[
    str,
    Field(
        pattern=r"^(?!predictions$|validation$|vqa$|keypoints$|rooms$|focal\d)[a-z0-9][a-z0-9-]*$"
    ),
]


class BenchmarkFileSettings(Settings):
    """A benchmark's files, as importing reads them."""

    format: Literal["spatialrgpt-bench", "vsi-bench"] = Field(description="form of the file")
    path: UserPath = Field(description="JSON array or JSON lines")
    images: UserPath = Field(
        description="folder that the pictures or videos named in the file are relative to"
    )
    num_frames: int = Field(8, ge=1, le=128, description="how many frames of a video are shown")


class BenchmarkSettings(BenchmarkFileSettings):
    """A published benchmark."""

    max_new_tokens: Tokens = Field(64, description="longest answer in tokens")


class PredictSettings(Settings):
    """How questions are answered."""

    batch_size: int = Field(64, ge=1, description="questions at a time")
    num_parts: int = Field(
        1, ge=1, le=999, description="jobs that the questions of an experiment are divided among"
    )


class BootstrapSettings(Settings):
    """Intervals of scores."""

    bootstrap_samples: int = Field(
        1000, ge=100, description="resamples of scenes for the 95 % intervals"
    )


class ScoredSplitSettings(Settings):
    """Which questions are scored."""

    split: Literal["train", "val", "test"] = Field("test", description="which split is scored")


class ScoreSettings(BootstrapSettings, ScoredSplitSettings):
    """How answers are scored."""


class ScanMetricSettings(Settings):
    """Which metrics answers about scans are scored by."""

    java_metrics: bool = Field(
        False,
        description="experiments of kind video are also scored by METEOR and after the tokenizer "
        "of the Penn Treebank, which are Java programs of the package pycocoevalcap",
    )


class ScanScoreSettings(ScoreSettings, ScanMetricSettings, SampleSelection):
    """How answers about scans are scored, and which."""


class PoseScoreSettings(ScoreSettings):
    """How pose models are scored."""

    keypoint_noise: UniqueList[Annotated[float, Field(ge=0)]] = Field(
        (1.0, 2.0, 3.0),
        description="multiples of the published noise that pose models are scored with, beside "
        "the one they were trained for",
    )


class RebuiltRoomsSettings(Settings):
    """Which rooms are rebuilt from answers."""

    rebuilt_rooms: int = Field(
        4,
        ge=0,
        le=10_000,
        description="rooms of each experiment of kind reconstruction that are rebuilt from its "
        "answers, drawn by pathtrace and compared with the pictures; 0: none",
    )


class CompareRebuiltSettings(BootstrapSettings):
    """How rebuilt rooms are compared with pictures."""

    clip_model: UserPath | None = Field(
        None,
        description="local folder of a CLIP model that also compares rebuilt rooms; null: none",
    )


class EvaluateSettings(
    PredictSettings,
    PoseScoreSettings,
    ScanMetricSettings,
    RebuiltRoomsSettings,
    CompareRebuiltSettings,
):
    """Scoring."""

    focal_factors: UniqueList[Annotated[float, Field(ge=0.1, le=9.99)]] = Field(
        (),
        description="the scored rooms are also drawn with so many times the focal length (usual: "
        "0.5, 0.75, 1.25, 1.5) and every experiment of kind reconstruction is asked about them: "
        "results/focal.csv",
    )
    rebuilt_preset: Literal["draft", "default", "high"] = Field(
        "draft", description="quality of the pictures of rebuilt rooms, as views.preset"
    )

    max_new_tokens: Tokens = Field(16, description="longest answer to our own questions in tokens")
    benchmarks: dict[BenchmarkName, BenchmarkSettings] = Field(
        {},
        description="files of published benchmarks that every experiment is also scored on; "
        "name: {format, path, images}. The name is letters, digits and hyphens, not predictions, "
        "validation, vqa, keypoints, rooms or focal050",
    )
