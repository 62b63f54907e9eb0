"""What the report shows of experiments about scans."""

import re
from pathlib import Path

import jinja2
import pandas as pd
import pytest
from PIL import Image

from benchmarks import scan_tables
from tests.evaluate.video.scan_run import ScanRun, choices, grounding
from workflow_scripts.evaluate import report
from workflow_scripts.evaluate.score_table import read_scores
from workflow_scripts.evaluate.video.budget_charts import HEIGHT_PX, budget_charts

SAMPLES = [grounding(name, [0], question_type="nearest") for name in ("a", "b", "c", "d")]


def with_budget(answers: dict[str, dict], num_frames: int) -> dict[str, dict]:
    budget = {"num_frames": num_frames, "num_visual_tokens": 16 * num_frames}
    return {name: {**values, **budget} for name, values in answers.items()}


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Score two experiments that are shown 8 and 16 frames, the first beside the second."""
    paths = {}
    right = {
        "eight": with_budget(choices({"a": 0, "b": 0, "c": 0, "d": 1}), 8),
        "sixteen": with_budget(choices(dict.fromkeys("abcd", 0)), 16),
    }
    for name, answers in right.items():
        folder = tmp_path_factory.mktemp(name)
        run = ScanRun(
            folder,
            SAMPLES,
            {"image": answers, "blind": choices(dict.fromkeys("abcd", 1))},
            others={other: right[other] for other in right if other != name},
        )
        run.scores(experiment=name)
        paths[name] = folder / "scores.parquet"
    return paths


def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(report.__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["format_number"] = report.format_number
    return made


def test_the_section_shows_headlines_comparisons_and_pictures(scores, tmp_path):
    Image.new("RGB", (40, 30)).save(tmp_path / "frames.png")
    experiment = report.ReportedExperiment(
        name="eight",
        section="video.html.j2",
        scores=[scores["eight"]],
        metrics=None,
        pictures={"frames": tmp_path / "frames.png"},
    )
    section = report.experiment_section(experiment)
    page = environment().get_template(section["template"]).render(experiment=section)
    own, others = page.split("Beside other experiments")
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", line) for line in own.split("<tr>")]
    cells = {tuple(row[:3]): row[3:] for row in rows if row}
    number, value, _, blind, gain, *_ = cells["scan_samples", "nearest", "instance accuracy"]
    assert (number, value, blind, gain) == ("4", "<b>0.750</b>", "0.000", "0.750")
    assert "visual tokens" in {key[2] for key in cells}
    assert "sixteen" in others
    assert "-0.250" in others
    assert "data:image/jpeg" in page


def test_scores_against_frames_and_tokens(scores):
    rows = pd.concat([read_scores(path) for path in scores.values()])
    charts = budget_charts(rows[rows["is_headline"]])
    titles = {(chart.title, chart.axis) for chart in charts}
    assert ("instance accuracy of scan samples", "frames shown") in titles
    assert ("acc iou50 of scan samples", "tokens of pictures and objects") in titles
    first, second = charts[0].points
    assert (first.experiment, first.budget, first.value) == ("eight", 8, 0.75)
    assert first.x_px < second.x_px
    assert first.y_px > second.y_px
    assert 0 < second.high_px <= second.y_px <= second.low_px < HEIGHT_PX
    page = environment().get_template("report_sections/video_budget.html.j2")
    assert page.render(budget_charts=charts).count("<circle") == 2 * len(charts)
    assert not page.render(budget_charts=[]).strip()


def test_experiments_with_one_budget_have_no_chart(scores):
    rows = read_scores(scores["eight"])
    assert not budget_charts(rows)
    assert not budget_charts(rows[rows["metric"] == "no such metric"])


def test_the_tables_of_the_docs(scores):
    rows = pd.concat([read_scores(path) for path in scores.values()])
    text = scan_tables.scan_scores(rows[rows["is_headline"]])
    assert (
        "| `eight` | nearest | `instance_accuracy` | 4 | 1 | 75 % | 0 % | – | +75 (+75 to +75) |"
        in text
    )
    assert "| `eight` | `sixteen` | nearest | `instance_accuracy` | 75 % | 100 % | -25 (" in text
    assert "acc_iou25" not in text
