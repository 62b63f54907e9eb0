"""Files of stage evaluate: question sets, scores and what the report shows.

Read while the rules are parsed, so it imports nothing heavy.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from workflow_scripts.experiments.base import (
    VALIDATION,
    Experiment,
    QuestionFiles,
    WorkflowContext,
)

# Scores of the names that the tiny base gives to patches.
PATCH_SCORES = "results/evaluate/base/patches.parquet"
# Name of the set of our own questions in the names of files.
OWN = "predictions"
# Names of the sets about rooms drawn with another focal length end in the percentage.
FOCAL = "focal"
# A model that writes its reasoning first needs room for it: up to 250 tokens.
MAX_TOKENS_WITH_REASONING = 384


@dataclass(frozen=True)
class QuestionSets:
    """Where the questions of a set lie, and how long their answers may be.

    Attributes:
        config: The resolved configuration.
    """

    config: Mapping[str, Any]

    @property
    def benchmarks(self) -> Mapping[str, Any]:
        """Return the settings of the benchmarks by name."""
        benchmarks: Mapping[str, Any] = self.config["evaluate"]["benchmarks"]
        return benchmarks

    def of(self, experiment: Experiment, name: str, context: WorkflowContext) -> QuestionFiles:
        """Return a set of questions as an experiment is asked it.

        Those of a benchmark, those that the experiment alone is asked (of the scored split, or of
        the validation split), or the scored split's.
        """
        if name in self.benchmarks:
            folder = f"results/evaluate/benchmarks/{name}"
            most = int(self.benchmarks[name]["max_new_tokens"])
            return QuestionFiles(f"{folder}.jsonl", f"{folder}.pictures", most)
        own = experiment.own_questions(context)
        if own is not None and name.startswith(FOCAL):
            folder, _, table = own.questions.rpartition("/")
            return replace(own, questions=f"{folder}/{name}/{table}")
        if own is not None and name == VALIDATION:
            folder, _, table = own.questions.rpartition("/")
            return replace(own, questions=f"{folder}/val.{table.rpartition('.')[2]}")
        if own is not None:
            return own
        split = self.config["evaluate"]["split"]
        return QuestionFiles(f"results/vqa/{split}.parquet", "results/vqa", self._own_tokens)

    def images(self, name: str) -> list[str]:
        """Return the folder of a benchmark's pictures to wait for.

        Nothing for our own questions: their pictures were made with them, in many folders.
        """
        return [f"results/evaluate/benchmarks/{name}.pictures"] if name in self.benchmarks else []

    @property
    def _own_tokens(self) -> int:
        max_new_tokens = int(self.config["evaluate"]["max_new_tokens"])
        if self.config["vqa"]["reasoning"] in ("written", "tagged"):
            return max(max_new_tokens, MAX_TOKENS_WITH_REASONING)
        return max_new_tokens


def focal_sets(config: Mapping[str, Any]) -> list[str]:
    """Return the names of the sets of rooms that are drawn with other focal lengths."""
    return [f"{FOCAL}{round(100 * factor):03d}" for factor in config["evaluate"]["focal_factors"]]


def score_files(experiment: Experiment, benchmarks: Iterable[str]) -> list[str]:
    """Return the tables of an experiment's scores: our own first, then those of benchmarks.

    Only experiments that answer any questions are scored on benchmarks.
    """
    folder = f"results/evaluate/{experiment.name}"
    names = benchmarks if experiment.answers_benchmarks else ()
    return [f"{folder}/scores.parquet", *(f"{folder}/{name}.scores.parquet" for name in names)]


def picture_files(experiment: Experiment, config: Mapping[str, Any]) -> dict[str, str]:
    """Return the pictures that scoring an experiment draws, by label."""
    folder = f"results/evaluate/{experiment.name}"
    pictures = {
        picture.label: f"{folder}/{picture.file}" for picture in experiment.kind.scorer.pictures
    }
    if experiment.kind.room_prompts and config["evaluate"]["rebuilt_rooms"]:
        pictures["rooms rebuilt from answers"] = f"{folder}/rebuilt.png"
    return pictures


def training_metrics(experiment: Experiment) -> list[str]:
    """Return the metrics.json of an experiment's training; nothing without a training."""
    return [f"{experiment.folder}/metrics.json"] if experiment.is_trained else []


def reported_experiments(
    experiments: Iterable[Experiment], benchmarks: Iterable[str], config: Mapping[str, Any]
) -> str:
    """Return what the report shows of experiments, as JSON (`report.ReportedExperiment`)."""
    names = list(benchmarks)
    return json.dumps(
        [
            {
                "name": experiment.name,
                "section": experiment.kind.report_section,
                "scores": score_files(experiment, names),
                "metrics": next(iter(training_metrics(experiment)), None),
                "pictures": picture_files(experiment, config),
            }
            for experiment in experiments
        ]
    )
