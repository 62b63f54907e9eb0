"""Words alone must not tell whether a description fits anything."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks import usual_descriptions as benchmark
from benchmarks.scan_text_only import text_only_scores
from tests.vqa.scans.recompute import check
from tests.vqa.scans.rooms_of_two_kinds import room
from workflow_scripts.common.label_text import VAGUE_CATEGORIES
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans import usual_descriptions as usual
from workflow_scripts.vqa.scans.generate import generate_samples

SETTINGS = ScanQuestionSettings(question_types=("grounding",))
NUM_SCANS = 160
OF_NOTHING = "nothing fits"


def use_table(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Count what is usual in rooms that are not asked about below."""
    descriptions, _ = benchmark.count(map(room, range(1000, 1000 + NUM_SCANS)))
    benchmark.write(descriptions, folder / "table.csv")
    monkeypatch.setattr(usual, "TABLE", folder / "table.csv")
    usual.usual_descriptions.cache_clear()


def samples_of_rooms() -> list[ScanSample]:
    """Return descriptions of rooms; that they fit what they say is computed again."""
    found = []
    for number in range(NUM_SCANS):
        context = room(number)
        samples, _ = generate_samples(context, SETTINGS, seed=0)
        check(context, samples)
        found += samples
    return found


@pytest.fixture(autouse=True)
def _forget_tables():
    yield
    usual.usual_descriptions.cache_clear()


def test_words_do_not_tell_whether_anything_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_table(tmp_path, monkeypatch)
    samples = samples_of_rooms()
    types = Counter(sample.question_type for sample in samples)
    nothing = types["zt_w_d"] + types["zt_wo_d"]
    assert min(types["zt_w_d"], types["zt_wo_d"]) > 50
    assert 0.4 < nothing / (nothing + types["st_w_d"] + types["st_wo_d"] + types["mt"]) < 0.6
    scores = text_only_scores(samples).set_index("question")
    assert len(scores) == 3
    assert (scores.text_only <= scores.commonest.clip(lower=50) + 8).all(), scores


def test_the_measure_sees_words_that_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the table, absent things are told by their names."""
    monkeypatch.setattr(
        "workflow_scripts.vqa.scans.question_types.descriptions_of_any_number.usual_descriptions",
        dict,
    )
    scores = text_only_scores(samples_of_rooms()).set_index("question")
    assert scores.text_only[OF_NOTHING] > scores.commonest[OF_NOTHING] + 15


def test_the_table_is_of_things_that_have_a_name() -> None:
    table = usual.usual_descriptions()
    assert len(table) > 300
    assert not {key.category for key in table} & VAGUE_CATEGORIES
    assert all(0 < f.keep_true <= 1 or f.false == 0 for f in table.values())
    assert all(f.true > 0 for f in table.values())


def test_too_few_scans_are_not_counted() -> None:
    with pytest.raises(benchmark.UserError, match="too few"):
        benchmark.count([room(0)])
