"""Questions about scans that their words alone answer are left out when samples are merged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.scan_text_only import text_only_scores
from workflow_scripts.common.records import SPLITS, DroppedQuestions
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.config.vqa import SolvableSettings
from workflow_scripts.vqa.scans import merge
from workflow_scripts.vqa.scans.solvable_samples import summary_of

NUM_SCANS = 240
# What is usual: how many there are, how long they are, what is on them, how tall they are.
COUNTS = {"pillow": 2, "painting": 3, "book": 4, "chair": 2, "candle": 3, "box": 5}
SIZES_CM = {"bed": 200, "rug": 60, "desk": 120, "stool": 70, "sofa": 190, "vase": 90}
LOADS = {"bed": "pillow", "desk": "laptop", "toilet": "tissue box", "TV stand": "television"}
HEIGHTS = ["stool", "desk", "dresser", "floor lamp", "fridge"]


def sample(number: int, scan: int, question_type: str, text: str, **values: Any) -> ScanSample:
    split = "train" if scan % 3 else ("test" if scan % 6 else "val")
    return ScanSample.model_validate(
        {
            "sample_id": f"{question_type}-{scan:03d}-{number}",
            "source": "scans",
            "scene_id": f"scan-{scan:03d}",
            "split": split,
            "task": "question",
            "question_type": question_type,
            "text": text,
            "answer_type": "text",
            **values,
        }
    )


def drawn(rng: np.random.Generator, usual: str, others: list[str]) -> str:
    return usual if rng.random() < 0.6 else str(rng.choice(others))


def samples_of_scans() -> Iterator[ScanSample]:
    """Yield questions that words decide more often than not, and sides, which they do not."""
    rng = seeded(7, "solvable samples")
    for scan in range(NUM_SCANS):
        for number, (noun, count) in enumerate(COUNTS.items()):
            truth = float(drawn(rng, str(count), ["2", "3", "4", "5"]))
            values = {"answer_type": "count", "truth": truth}
            yield sample(number, scan, "how_many", f"How many {noun}s are there?", **values)
        for number, (noun, size_cm) in enumerate(SIZES_CM.items()):
            values = {"answer_type": "centimetres", "truth": size_cm * float(rng.uniform(0.6, 1.6))}
            yield sample(number, scan, "object_size", f"How long is the {noun}?", **values)
        for number, (noun, load) in enumerate(LOADS.items()):
            truth = drawn(rng, load, list(LOADS.values()))
            yield sample(number, scan, "what_is_on", f"What is on the {noun}?", truth=truth)
        for number in range(4):
            low, high = sorted(rng.choice(len(HEIGHTS), size=2, replace=False))
            truth = HEIGHTS[high if rng.random() < 0.8 else low]
            pair = [HEIGHTS[place] for place in rng.permutation([low, high])]
            text = f"Which is taller, the {pair[0]} or the {pair[1]}?"
            yield sample(number, scan, "compare", text, truth=truth)
        side, depth = str(rng.choice(["left", "right"])), str(rng.choice(["yes", "no"]))
        situation = {"situation": "I sit on the bed."}
        yield sample(0, scan, "others", "Left or right: where is it?", truth=side, **situation)
        yield sample(1, scan, "others", "Do I turn left to face it?", truth=depth, **situation)
        # Neither published questions nor other tasks are left out.
        text = "How many pillows are there?"
        published = {"dataset": "scanqa", "truth": "2", "answer": "2"}
        yield sample(0, scan, "what", text, **published)
        yield sample(0, scan, "unique", "The bed.", task="grounding", answer_type="", targets=[1])


def merged(folder: Path, handling: str) -> tuple[pd.DataFrame, list[ScanSample]]:
    """Return what words score on each type and split, and the samples that are kept."""
    write_records(folder / "0000.scan_samples.jsonl", list(samples_of_scans()))
    merge.main(
        samples=[folder / "0000.scan_samples.jsonl"],
        dropped=[],
        out=folder,
        seed=7,
        settings=SolvableSettings.model_validate({"solvable_without_picture": handling}),
    )
    kept = [s for name in SPLITS for s in read_records(folder / f"{name}.jsonl", ScanSample)]
    return pd.read_csv(folder / "text_only.csv").set_index(["split", "family"]), kept


@pytest.fixture(scope="module", params=["keep", "balance", "drop"])
def handled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, pd.DataFrame, list[ScanSample]]:
    folder = tmp_path_factory.mktemp(request.param)
    return (request.param, folder, *merged(folder, request.param))


def test_words_decide_no_more(
    handled: tuple[str, Path, pd.DataFrame, list[ScanSample]],
) -> None:
    handling, _, scores, kept = handled
    for split in SPLITS:
        rows = scores.loc[split]
        solvable = rows.loc[["how_many", "object_size", "what_is_on", "compare"]]
        assert (solvable.score_before > solvable.commonest_before + 0.15).all()
        assert abs(rows.score_before["others"] - 0.5) < 0.2
        assert rows.num_after["others"] == rows.num_before["others"]
        if handling == "balance":
            assert (solvable.num_after >= solvable.num_before / 3).all(), solvable
            near = solvable.score_after <= solvable.commonest_after.clip(lower=0.3) + 0.12
            assert near.all(), solvable
    if handling == "balance":
        measured = text_only_scores(kept).set_index("question")
        of_words = measured.loc[["how_many", "object_size", "what_is_on", "compare"]]
        assert (of_words.text_only <= of_words.commonest.clip(lower=30) + 12).all(), of_words


def test_what_is_left_out_is_counted_and_nothing_else_is_lost(
    handled: tuple[str, Path, pd.DataFrame, list[ScanSample]],
) -> None:
    handling, folder, _, kept = handled
    everything = list(samples_of_scans())
    for split in SPLITS:
        of_split = [s for s in everything if s.split == split]
        rows = read_records(folder / f"{split}.dropped.jsonl", DroppedQuestions)
        assert {row.reason for row in rows} <= {"answered by its words alone"}
        number = sum(row.count for row in rows)
        assert number == len(of_split) - sum(s.split == split for s in kept)
        assert bool(number) == (handling != "keep")
        # What is kept stands in the same order.
        ids = {s.sample_id for s in kept}
        assert [s for s in of_split if s.sample_id in ids] == [s for s in kept if s.split == split]
    untouched = [s for s in everything if s.dataset == "scanqa" or s.task == "grounding"]
    assert {s.sample_id for s in untouched} <= {s.sample_id for s in kept}


def test_the_same_seed_gives_the_same_bytes(
    handled: tuple[str, Path, pd.DataFrame, list[ScanSample]], tmp_path: Path
) -> None:
    handling, folder, _, _ = handled
    merged(tmp_path, handling)
    for split in SPLITS:
        for name in (f"{split}.jsonl", f"{split}.dropped.jsonl"):
            assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    assert (tmp_path / "text_only.csv").read_bytes() == (folder / "text_only.csv").read_bytes()


@pytest.mark.parametrize(
    ("text", "truth", "kind", "choices"),
    [
        ("Which is taller, the bed or the desk?", "desk", "which", ["bed", "desk"]),
        ("Which one is closer to the sofa: the bed or the desk?", "bed", "which", ["bed", "desk"]),
        ("Which is on my left, the bed or the desk?", "bed", "which", ["bed", "desk"]),
        ("Of the bed and the desk, which is taller?", "bed", "which", ["bed", "desk"]),
        ("Is the bed in front of me?", "no", "no/yes", []),
        ("Where is it, in front of me or behind me?", "behind me", "behind me/in front of me", []),
        ("Where is the bed or the desk?", "in the corner", "", []),
        ("What is on the bed?", "pillow", "", []),
        ("椅子在哪里?", "左", "", []),
        ("", "", "", []),
    ],
)
def test_a_question_is_compared_with_those_that_are_answered_alike(
    text: str, truth: str, kind: str, choices: list[str]
) -> None:
    summary = summary_of(sample(0, 0, "any", text, truth=truth))
    assert (summary.kind, summary.choices) == (kind, choices)


def test_a_few_samples_are_kept(tmp_path: Path) -> None:
    few = [s for s in samples_of_scans() if s.scene_id in ("scan-001", "scan-002")]
    for name, samples in (("few", few), ("none", [s for s in few if s.task == "grounding"])):
        path = tmp_path / name / "0000.scan_samples.jsonl"
        write_records(path, samples)
        merge.main(samples=[path], dropped=[], out=path.parent, seed=7)
        kept = [
            s for split in SPLITS for s in read_records(path.parent / f"{split}.jsonl", ScanSample)
        ]
        assert kept == samples
        assert list(pd.read_csv(path.parent / "text_only.csv").columns)[:2] == ["family", "split"]
