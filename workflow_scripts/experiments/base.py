"""What describes a kind of experiment: its settings, and the commands that train, answer and score.

A kind is one file of this package and one line of `KIND_NAMES`. Rules loop over the registry
and ask it; they compare no names. Commands are named by their module as text, because experiments
import no stage. A command gets `--settings '<json>'`, `--name`, and what its `arguments` say.
"""

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from workflow_scripts.config.base import Settings
from workflow_scripts.config.server import RequestLimits

Condition = Literal["image", "blind", "blank", "rotated90", "rotated180", "rotated270"]
Paths = str | Sequence[str]
# Name of the set of the validation split in the names of files of answers.
VALIDATION = "validation"


@dataclass(frozen=True)
class WorkflowContext:
    """What a description may ask of the workflow.

    Attributes:
        config: The resolved configuration.
        shards: Names of the shards of every source that is on.
        scene_kinds: What the scenes of each source are: house, photo, episode, ...
    """

    config: Mapping[str, Any]
    shards: Mapping[str, Iterable[str]]
    scene_kinds: Mapping[str, str]

    def sources_with_scenes(self, scene_kind: str) -> list[str]:
        """Return the names of the sources that are on and have scenes of a kind."""
        return [name for name in self.shards if self.scene_kinds[name] == scene_kind]

    def per_source(self, pattern: str, *, scene_kind: str) -> list[str]:
        """Fill `{source}` of a path for the sources with scenes of a kind."""
        return [pattern.format(source=name) for name in self.sources_with_scenes(scene_kind)]

    def per_shard(self, pattern: str, *, scene_kind: str) -> list[str]:
        """Fill `{source}` and `{shard}` of a path for the sources with scenes of a kind."""
        return [
            pattern.format(source=name, shard=shard)
            for name in self.sources_with_scenes(scene_kind)
            for shard in self.shards[name]
        ]


@dataclass(frozen=True)
class Experiment:
    """An entry of train.experiments; `settings` is an instance of its kind's model."""

    name: str
    kind: "ExperimentKind"
    settings: Any

    @property
    def folder(self) -> str:
        """Return where the result of the training lies."""
        return f"results/train/{self.name}"

    @property
    def predictor(self) -> "Predictor | None":
        """Return how it answers questions, or None: by a server where its settings name one."""
        kind = self.kind
        return kind.server_predictor if kind.asks_server(self.settings) else kind.predictor

    @property
    def answers_benchmarks(self) -> bool:
        """Say whether it is asked the published benchmarks, not only questions of its own."""
        return self.predictor is not None and self.predictor.questions is None

    def predictor_arguments(self, context: WorkflowContext) -> "Arguments":
        """Return what the command that answers questions is given."""
        assert self.predictor, self.name
        return self.predictor.arguments(self, context)

    def own_questions(self, context: WorkflowContext) -> "QuestionFiles | None":
        """Return where questions lie that it alone is asked, or None: it is asked those of vqa."""
        assert self.predictor, self.name
        questions = self.predictor.questions
        return questions(self, context) if questions else None

    def room_prompt_settings(self, context: WorkflowContext) -> str:
        """Return the settings of its tables of prompts about rooms, as JSON."""
        assert self.kind.room_prompts, self.name
        return self.kind.room_prompts(self, context)

    def request_limits(self) -> RequestLimits:
        """Return the limits of its requests to a server."""
        assert self.predictor, self.name
        assert self.predictor.limits, self.name
        return self.predictor.limits(self)

    def scorer_arguments(self, context: WorkflowContext) -> "Arguments":
        """Return what the command that scores is given."""
        return self.kind.scorer.arguments(self, context)

    @property
    def is_trained(self) -> bool:
        """Say whether anything is trained for it."""
        return self.kind.training is not None and not self.kind.asks_server(self.settings)

    @property
    def training(self) -> "Training":
        """Return how it is trained; something must be trained for it."""
        assert self.is_trained, self.name
        assert self.kind.training, self.name
        return self.kind.training

    @property
    def threads(self) -> int:
        """Return the processor cores of its training on this machine."""
        return self.training.threads(self.settings)

    @property
    def cpus_per_rank(self) -> int:
        """Return the processor cores of a rank of its training; 0 divides the machine's cores."""
        return self.training.cpus_per_rank(self.settings)

    def training_arguments(self, context: WorkflowContext) -> "Arguments":
        """Return what the command that trains is given."""
        return self.training.arguments(self, context)

    def is_trained_by(self, rule: "TrainingRule") -> bool:
        """Say whether a rule trains it."""
        return self.is_trained and self.training.rule(self.settings) is rule

    def answer_files(
        self, condition: Condition, context: WorkflowContext, *, question_set: str = "predictions"
    ) -> list[str]:
        """Return the paths of all parts of its answers to a question set under a condition."""
        return [
            f"results/evaluate/{self.name}/{question_set}.{condition}.{part:03d}.jsonl"
            for part in range(context.config["evaluate"]["num_parts"])
        ]


@dataclass(frozen=True)
class Arguments:
    """What a command is given for one experiment.

    Attributes:
        settings: JSON of `--settings`: exactly the fields that the command depends on.
        inputs: Files by the name of the flag that passes them; Snakemake waits for them.
        dependencies: Further files that Snakemake waits for; the command finds them itself.
        flags: Further flags whose values are no files to wait for.
    """

    settings: str
    inputs: Mapping[str, Paths] = field(default_factory=dict)
    dependencies: Mapping[str, Paths] = field(default_factory=dict)
    flags: Mapping[str, Paths] = field(default_factory=dict)

    def waits_for(self) -> dict[str, Paths]:
        """Return all files that Snakemake waits for, by name."""
        return {**self.inputs, **self.dependencies}

    def paths(self) -> list[str]:
        """Return all files that Snakemake waits for."""
        values = self.waits_for().values()
        return [path for value in values for path in ([value] if isinstance(value, str) else value)]

    def command_line(self) -> str:
        """Return the flags, quoted for a shell; one with an empty list is left out."""
        words = ["--settings", self.settings]
        for name, value in {**self.inputs, **self.flags}.items():
            values = [value] if isinstance(value, str) else list(value)
            if values:
                words += [f"--{name.replace('_', '-')}", *values]
        return shlex.join(words)


MakeArguments = Callable[[Experiment, WorkflowContext], Arguments]


@dataclass(frozen=True)
class TrainingRule:
    """A rule that trains; a profile names it to give its jobs GPUs. Kinds may share it.

    Attributes:
        name: Name of the rule.
        outputs: Files of the result by name, beside README.md, metrics.json, config.yaml and
            curves.png.
    """

    name: str
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class Training:
    """How a kind is trained.

    The command also gets `--name`, `--out` (results/train/{experiment}), `--seed` and where ranks
    run (`JobResources` of train/launch.py). It writes into `--out`.

    Attributes:
        module: Module of the command.
        arguments: What the command is given.
        rules: One for each set of output files.
        rule_of: Name of the rule that trains an experiment with some settings; None: the first.
        threads: Processor cores of a job on this machine.
        cpus_per_rank: Processor cores of a rank; 0 divides the machine's cores among the ranks.
        curves: What the picture of the curves shows.
    """

    module: str
    arguments: MakeArguments
    rules: tuple[TrainingRule, ...]
    rule_of: Callable[[Any], str] | None = None
    threads: Callable[[Any], int] = lambda _: 2
    cpus_per_rank: Callable[[Any], int] = lambda _: 0
    curves: str = "losses"

    def rule(self, settings: Any) -> TrainingRule:
        """Return the rule that trains an experiment."""
        name = self.rule_of(settings) if self.rule_of else self.rules[0].name
        return next(rule for rule in self.rules if rule.name == name)


@dataclass(frozen=True)
class QuestionFiles:
    """Questions that one experiment alone is asked.

    Attributes:
        questions: Table of the questions that are scored (common/questions.py).
        images: Folder that their pictures are relative to.
        max_new_tokens: Longest answer in tokens.
    """

    questions: str
    images: str
    max_new_tokens: int


@dataclass(frozen=True)
class Predictor:
    """How a kind answers question sets.

    The command also gets `--experiment`, `--questions`, `--images`, `--condition`, `--part`,
    `--max-new-tokens` and `--out`, a file of `Prediction` lines (common/records.py).

    Attributes:
        module: Module of the command.
        arguments: What the command is given.
        rule: Name of the rule; a profile gives GPUs by rule, so kinds that need none have another.
        limits: Limits of the requests to a server, which the command gets as `--concurrency` and
            `--max-cost-usd`: they change no answer, so a changed limit runs nothing again.
        questions: Where questions lie that each of its experiments alone is asked; None: it is
            asked the questions of stage vqa, and the benchmarks.
    """

    module: str
    arguments: MakeArguments
    rule: str = "predict_answers"
    limits: Callable[[Experiment], RequestLimits] | None = None
    questions: Callable[[Experiment, WorkflowContext], QuestionFiles] | None = None


@dataclass(frozen=True)
class Picture:
    """A picture that scoring draws: its file in results/evaluate/{experiment}/, flag and label."""

    file: str
    flag: str
    label: str
    caption: str


@dataclass(frozen=True)
class Scorer:
    """How a kind is scored.

    The command also gets `--experiment`, `--seed`, `--out` (results/evaluate/{experiment}/
    scores.parquet) and a flag for each picture. It writes `ScoreRow` records with `write_scores`
    (evaluate/score_table.py), which writes scores.csv beside it; rows with `is_headline` go to
    results/eval.csv.

    Attributes:
        module: Module of the command.
        arguments: What the command is given.
        pictures: What it draws for the report.
        mem_mb: Memory.
        runtime: Longest time in minutes.
        scene_kind: Kind of the scenes that its time grows with; None: those of every source.
    """

    module: str
    arguments: MakeArguments
    pictures: tuple[Picture, ...] = ()
    mem_mb: int = 2000
    runtime: int = 30
    scene_kind: str | None = None


def no_check(experiment: Experiment, context: WorkflowContext) -> None:
    """Check nothing beyond the settings model."""


def never_asks_server(settings: Any) -> bool:
    """Return False: no settings of the kind name a server instead of a base model."""
    return False


def never_disabled(context: WorkflowContext) -> str | None:
    """Return None: experiments of the kind run with any sources."""
    return None


@dataclass(frozen=True)
class ExperimentKind:
    """A kind of experiment.

    Attributes:
        name: Value of `kind` in train.experiments.
        settings: Model of an entry, with a field `kind: Literal[name]`.
        scorer: How it is scored.
        training: How it is trained; None: it only answers.
        predictor: How it answers our questions and the benchmarks; None: it is asked none, and its
            scorer runs the model itself.
        server_predictor: How a server answers instead, for settings that `asks_server` says name
            one; nothing is trained then.
        asks_server: Says whether an experiment's settings name a server to answer.
        room_prompts: Settings, as JSON, of the tables of prompts and answers about rooms that
            stage vqa writes for an experiment; None: it writes none.
        check: Raises `UserError` for an experiment that cannot be.
        disabled_reason: Why experiments of the kind cannot run with the sources that are on, or
            None. They are then left out with a warning; if no experiment is left, it is an error.
        report_section: File of evaluate/report_sections/ that shows an experiment in the report
            above the table of scores, or None.
    """

    name: str
    settings: type[Settings]
    scorer: Scorer
    training: Training | None = None
    predictor: Predictor | None = None
    server_predictor: Predictor | None = None
    asks_server: Callable[[Any], bool] = never_asks_server
    room_prompts: Callable[[Experiment, WorkflowContext], str] | None = None
    check: Callable[[Experiment, WorkflowContext], None] = no_check
    disabled_reason: Callable[[WorkflowContext], str | None] = never_disabled
    report_section: str | None = None

    @property
    def predictors(self) -> tuple[Predictor, ...]:
        """Return all ways in which experiments of the kind answer questions."""
        return tuple(one for one in (self.predictor, self.server_predictor) if one is not None)
