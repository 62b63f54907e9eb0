"""Settings of stage vqa: what is asked, paraphrases, exports, the hub."""

from typing import Annotated, Literal

from pydantic import Field

from workflow_scripts.config.base import Settings, Text, UniqueList, UserPath, one_of
from workflow_scripts.config.question_families import QUESTION_FAMILIES
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.config.server import RequestLimits, ServerSettings

QuestionFamily = Annotated[str, one_of(QUESTION_FAMILIES)]
Split = Literal["train", "val", "test"]


class VisibleSettings(Settings):
    """Which objects a view shows well enough."""

    min_pixels: int = Field(150, ge=1, description="an object with fewer pixels is not asked about")
    min_fraction_visible: float = Field(
        0.3, ge=0, le=1, description="an object hidden more than this is not asked about"
    )


class RoomRecordSettings(VisibleSettings):
    """What the records of rooms depend on."""

    asset_phrases: bool = Field(
        False,
        description="rooms call objects by the captions of their assets, which are then made",
    )


class ClaritySettings(VisibleSettings):
    """Which facts are clear enough to be asked; the label audit reads these alone."""

    margin_m: float = Field(
        0.15, ge=0, description="positions closer than this have no clear order"
    )
    margin_ratio: float = Field(
        0.15, ge=0, description="sizes whose ratio is nearer to 1 than this have no clear order"
    )
    margin_image: float = Field(
        0.05,
        ge=0,
        le=1,
        description="places in the picture closer than this share of its shorter side have no "
        "clear order",
    )
    margin_deg: float = Field(
        10.0,
        ge=0,
        le=45,
        description="directions closer than this to another answer are not clear",
    )
    margin_sigmas: float = Field(
        2.0,
        ge=0,
        description="what is nearer to a tie than so many standard deviations of its measurement "
        "is not asked",
    )


class QuestionSettings(ClaritySettings):
    """What the questions of a shard depend on."""

    families: Annotated[UniqueList[QuestionFamily], Field(min_length=1)] | None = Field(
        None,
        description="families of questions that are asked, by the names in docs/questions.md; "
        "null: all",
    )
    weights: dict[QuestionFamily, Annotated[float, Field(ge=0, le=1000)]] = Field(
        {},
        description="how often a family is asked relative to the others; 0: never; a family that "
        "is not named has 1",
    )
    forms: UniqueList[Literal["named", "marked", "boxed", "region"]] = Field(
        ("named", "marked"),
        min_length=1,
        description="objects are named, pointed at with colored marks (marked) or frames (boxed) "
        "drawn on the picture, or called by tags of regions with their masks (region)",
    )
    num_phrasings: int | None = Field(
        4,
        ge=1,
        description="only the first so many ways to put a question are used; null: all. The tiny "
        "base is pre-trained on few",
    )
    units: Literal["metric", "imperial", "mixed"] = Field(
        "metric",
        description="units of lengths and areas in answers; mixed draws imperial ones for a "
        "quarter",
    )
    multiple_choice: bool = Field(
        False, description="ask for numbers and names with four options too"
    )
    questions_per_view: int = Field(
        48, ge=1, le=1000, description="maximum number of questions about a view"
    )
    questions_per_pair: int = Field(
        4,
        ge=0,
        le=1000,
        description="maximum number of questions about two views of a room, side by side in one "
        "picture",
    )
    answer_style: Literal["short", "sentence"] = Field(
        "short", description="the bare answer (yes, red, 1.24 m), or a sentence"
    )


class EvidenceSettings(Settings):
    """What answers rest on; rules read it to choose their inputs."""

    evidence: Literal["auto", "truth", "measured"] = Field(
        "auto",
        description="what answers rest on: ground truth, or what was measured in the depth maps, "
        "with its uncertainty; auto measures photos and takes a simulator's truth",
    )


class ReasoningSettings(Settings):
    """Whether answers come with their steps; merging and every export read it."""

    reasoning: Literal["none", "stored", "written", "tagged"] = Field(
        "none",
        description="steps from the measured numbers to each answer, in words and equations: "
        "stored beside it (tables, gallery, exports), or also taught: written before "
        '"Answer: ...", or tagged as <think> and <answer>',
    )


class SolvableSettings(Settings):
    """Whether questions are kept that can be answered without the picture."""

    solvable_without_picture: Literal["keep", "balance", "drop"] = Field(
        "balance",
        description="questions, also those about scans, whose words alone give the answer, as a "
        "text-only classifier finds that is trained on training houses: keep; balance leaves so "
        "many of them out that words decide no more; drop leaves out all that words are sure of. "
        "results/vqa/text_only.csv and results/vqa/scans/text_only.csv have its scores before and "
        "after",
    )


class MergeSettings(SolvableSettings, ReasoningSettings):
    """Which questions of the shards are kept, and how they are taught."""


class ParaphraseRequestSettings(ServerSettings):
    """What paraphrases depend on."""

    model: str = Field("gpt-4o-mini", description="model name")
    base_url: str | None = Field(
        None,
        description="address of an OpenAI-compatible server; null: the SDK's default; the key "
        "comes from OPENAI_API_KEY alone",
    )
    splits: UniqueList[Split] = Field(
        ("train",), min_length=1, description="splits whose questions are paraphrased"
    )
    share: float = Field(1.0, gt=0, le=1, description="share of their questions that is")
    max_tokens: int = Field(200, ge=16, description="longest reply in tokens")
    temperature: float | None = Field(
        0.9,
        ge=0,
        le=2,
        description="randomness of replies; null leaves it to the server, as some models demand",
    )
    # A plain text cannot hold a question and its answer.
    reply_format: Literal["json_schema", "json_object"] = Field(
        "json_schema",
        description="how the server is asked to answer; json_object is for servers without JSON "
        "schemas",
    )
    max_attempts: int = Field(
        2,
        ge=1,
        le=10,
        description="times a question is asked for, in all, while replies are refused, malformed "
        "or not used",
    )
    max_failed_fraction: float = Field(
        0.2,
        ge=0,
        le=1,
        description="a job fails when more than this fraction of its requests gets no reply; "
        "replies that are not used do not count",
    )
    prompt: UserPath = Field(
        "workflow_scripts/vqa/paraphrase/prompt.txt",
        description="file with {question}, {answer} and {protected_terms}",
    )
    cache: UserPath = Field(
        "results/vqa/cache", description="folder of paid replies; nothing in it is paid twice"
    )


class ParaphraseSettings(ParaphraseRequestSettings, RequestLimits):
    """Paraphrases of questions, by a model."""


class ExportSettings(Settings):
    """Which forms the target `exports` writes."""

    exports: UniqueList[Literal["messages", "sharegpt", "regions"]] = Field(
        ("messages", "sharegpt", "regions"),
        description="forms that the target `exports` writes beside the LLaVA JSON: messages "
        "(Parquet with pictures for load_dataset), sharegpt (Qwen-VL, LLaMA-Factory), regions "
        "(region tags with masks)",
    )


class RepositorySettings(Settings):
    """The data set's place on the hub."""

    repo: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$",
        description="owner/name of the data set on the Hugging Face hub",
    )


class CardSettings(RepositorySettings):
    """What the data set's card says of it."""

    name: Text = Field("Sightline spatial VQA", description="title on the card")
    license: Text = Field(
        "other",
        description="the hub's word for the license of the questions, such as apache-2.0",
    )


class PushSettings(RepositorySettings):
    """What the target `push_to_hub` does."""

    private: bool = Field(True, description="a repository that is made is private")
    dry_run: bool = Field(True, description="only log what would be pushed")


class HubSettings(CardSettings, PushSettings):
    """The data set on the hub."""


class GallerySettings(Settings):
    """The page of questions on their pictures."""

    gallery_pictures: int = Field(
        60, ge=1, le=2000, description="pictures on the page results/vqa/gallery.html"
    )


class VqaSettings(
    QuestionSettings,
    EvidenceSettings,
    MergeSettings,
    ExportSettings,
    GallerySettings,
    RoomRecordSettings,
):
    """Questions."""

    paraphrase: ParaphraseSettings | None = Field(
        None,
        description="has questions paraphrased by a model; a paraphrase is used only if numbers, "
        "units, objects, directions and choices stay; null: questions stay as they are",
    )
    scans: ScanQuestionSettings = Field(
        ScanQuestionSettings(),
        description="what video models are asked about scans",
    )
    hub: HubSettings = Field(
        HubSettings(),
        description="what the target `push_to_hub` does; nothing else ever pushes, and the token "
        "comes from HF_TOKEN",
    )
