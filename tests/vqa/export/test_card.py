"""The card says what is in the data set, in numbers that can be counted again."""

import json
from pathlib import Path

import pytest
import yaml

from tests.vqa.export.questions import question, width, write_questions
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.storage import write_records
from workflow_scripts.config.vqa import CardSettings
from workflow_scripts.sources.readers.photo_records import PhotoDropCount
from workflow_scripts.vqa.export import card

PARAPHRASE = {"model": "mine", "base_url": "http://lab.internal/v1", "cache": "my-private-folder"}
PARAPHRASE |= {"max_cost_usd": 5.0, "concurrency": 4, "share": 0.5}


@pytest.fixture
def written(tmp_path: Path) -> str:
    train = [question(n, answer="no" if n else "yes") for n in range(4)] + [width(9, view=1)]
    test = [width(0, scene="b", split="test")]
    tables = [
        write_questions(tmp_path / f"{split}.parquet", questions)
        for split, questions in (("train", train), ("val", []), ("test", test))
    ]
    dropped = tmp_path / "d.jsonl"
    rows = [("left_right", "too close to call", 7), ("width", "too close to call", 3)]
    rows.append(("", "object mostly hidden", 2))
    write_records(
        dropped,
        [
            DroppedQuestions(source="procthor", family=family, form="", reason=reason, count=count)
            for family, reason, count in rows
        ],
    )
    settings = {
        "seed": 7,
        "depth": {"model": "../ours/depth-net"},
        "sources": {"images": {"photos": "/data/of-ann/my photos"}},
        "vqa": {"margin_m": 0.15, "paraphrase": PARAPHRASE},
    }
    photos = tmp_path / "photos.jsonl"
    steps = [("scenes", "photo", "", 8), ("scenes", "photo", "tiny", 2)]
    steps += [("localise", "object", "", 30), ("localise", "object", "border", 4)]
    write_records(
        photos,
        [
            PhotoDropCount(source="images", step=step, unit=unit, reason=reason, count=count)
            for step, unit, reason, count in steps
        ],
    )
    text_only = tmp_path / "text_only.csv"
    text_only.write_text(
        "family,split,num_before,score_before,commonest_before,num_after,score_after,"
        "commonest_after\nleft_right,train,1200,0.9,0.5,300,0.52,0.5\nwidth,test,9,1,0.4,0,,\n"
    )
    card.main(
        text_only=text_only,
        questions=tables,
        dropped=[dropped],
        photos=(photos,),
        made_with=json.dumps(settings),
        out=tmp_path / "README.md",
        settings=CardSettings(license="apache-2.0", repo="my-lab/spatial"),
    )
    return (tmp_path / "README.md").read_text()


def test_header_is_what_the_hub_reads(written: str) -> None:
    from huggingface_hub import DatasetCardData

    header = yaml.safe_load(written.split("---")[1])
    assert header["license"] == "apache-2.0"
    assert header["size_categories"] == ["n<1K"]
    assert [one["split"] for one in header["configs"][0]["data_files"]] == ["train", "test"]
    DatasetCardData(**header)


def test_counts_families_failures_settings_and_licenses_are_there(written: str) -> None:
    assert "6 spatial questions with structured truth about 3 pictures of 2 scenes" in written
    assert "| train | 1 | 2 | 5 |" in written
    assert "| left right | named | choice | 4 | 0 | 0 | no (75%) |" in written
    assert "| width | named | metres | 1 | 0 | 1 | 1.80 m (100%) |" in written
    assert "| too close to call | 10 |" in written
    assert written.index("too close to call") < written.index("object mostly hidden")
    assert "| scenes | 8 photos | 2 | tiny 2 |" in written
    assert "| localise | 30 objects | 4 | border 4 |" in written
    assert "| vqa.margin_m | 0.15 |" in written
    assert '| vqa.paraphrase.model | "mine" |' in written
    assert "| vqa.paraphrase.share | 0.5 |" in written
    assert "Apache-2.0" in written
    assert 'load_dataset("my-lab/spatial")' in written


def test_what_words_alone_score_is_there_before_and_after(written: str) -> None:
    assert "| left right | train | 1,200 | 90% | 50% | 300 | 52% | 50% |" in written
    assert "| width | test | 9 | 100% | 40% | 0 | – | – |" in written


def test_where_a_model_was_asked_is_not_published(written: str) -> None:
    for private in ("lab.internal", "my-private-folder", "max_cost_usd", "concurrency"):
        assert private not in written


def test_of_folders_elsewhere_only_the_name_is_published(written: str) -> None:
    assert '| sources.images.photos | "my photos" |' in written
    assert '| depth.model | "depth-net" |' in written
    assert "of-ann" not in written


def test_no_question_at_all_is_refused(tmp_path: Path) -> None:
    table = write_questions(tmp_path / "train.parquet", [])
    with pytest.raises(UserError, match="there is no data set"):
        card.main(
            questions=[table],
            dropped=[],
            made_with="{}",
            settings=CardSettings(),
            out=tmp_path / "README.md",
        )
    assert not (tmp_path / "README.md").exists()


@pytest.mark.parametrize(
    ("total", "name"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**6, "1M<n<10M"), (10**8, "n>10M")],
)
def test_size_category(total: int, name: str) -> None:
    assert card.size_category(total) == name
