"""Answers about scans: one prompt for training and asking, conditions, reasons, resumed runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from testing.micro_scans import make_base, make_scans, scan_experiment
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.scan_samples import ScanPrediction, ScanSample
from workflow_scripts.common.storage import read_records, read_table, write_records, write_table
from workflow_scripts.config.evaluate import ScanScoreSettings
from workflow_scripts.config.scan_inputs import VideoFramesSettings
from workflow_scripts.evaluate.score_table import read_scores
from workflow_scripts.evaluate.video import predict, score
from workflow_scripts.experiments.video import VideoPredictSettings, VideoTrainingSettings
from workflow_scripts.models import vlm
from workflow_scripts.models.video.scan_cache import ScanCache
from workflow_scripts.models.video.scan_inputs import ScanReader
from workflow_scripts.models.video.scan_prompt import prompt_of, question_of
from workflow_scripts.models.video.video_batch import VideoProcessor
from workflow_scripts.train.video.dataset import ScanGroups, encode_samples

MODEL = {"pooling": 1, "tokens": "objects"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    make_scans(folder)
    make_base(folder / "base")
    plain = {"adapter": "none", "deepspeed": "none", "num_processes": 1, "steps": 40}
    more = {"batch_size": 8, "learning_rate": 5e-3, "save_steps": 100}
    experiment = scan_experiment(folder, folder / "training", {**plain, **more, **MODEL})
    experiment.train()
    return folder


def ask(folder: Path, out: Path, *, condition: str = "image", **changes: Any) -> list[Any]:
    arguments: dict[str, Any] = {
        "questions": folder / "test.jsonl",
        "views": [folder / "scans.zarr"],
        "proposals": [folder / "scans.proposals.parquet"],
        "base": str(folder / "base"),
        "model": folder / "training/checkpoints/result",
        "experiment": "micro",
        "condition": condition,
        "max_new_tokens": 6,
        "out": out,
        "settings": VideoPredictSettings.parse(MODEL),
    }
    predict.main(**(arguments | changes))
    return read_records(out, ScanPrediction)


def test_every_sample_has_one_answer_of_its_kind(tmp_path: Path, folder: Path) -> None:
    samples = {one.sample_id: one for one in read_records(folder / "test.jsonl", ScanSample)}
    answers = ask(folder, tmp_path / "answers.jsonl")
    assert {answer.sample_id for answer in answers} == set(samples)
    for answer in answers:
        is_grounding = samples[answer.sample_id].task == "grounding"
        assert len(answer.scores) == (4 if is_grounding else 0)
        assert all(-1.001 <= score <= 1.001 for score in answer.scores)
        assert not (is_grounding and answer.text)
        assert not answer.reason
        # Three boxes are three tokens, however many frames show them.
        assert (answer.num_frames, answer.num_visual_tokens) == (2, 3)


def test_answers_are_what_scoring_reads(tmp_path: Path, folder: Path) -> None:
    table = tmp_path / "scans" / "0000.proposals.parquet"
    table.parent.mkdir()
    write_table(table, read_table(folder / "scans.proposals.parquet"))
    answers = {name: tmp_path / f"{name}.jsonl" for name in ("image", "blind")}
    for condition, path in answers.items():
        ask(folder, path, condition=condition)
    score.main(
        samples=folder / "test.jsonl",
        proposals=[table],
        image=[answers["image"]],
        blind=(answers["blind"],),
        training=folder / "train.jsonl",
        experiment="micro",
        seed=7,
        out=tmp_path / "scores.parquet",
        settings=ScanScoreSettings(bootstrap_samples=100),
    )
    rows = read_scores(tmp_path / "scores.parquet")
    known = rows[(rows["family"] == "all") & rows["blind"].notna()].set_index("metric")
    assert {"instance_accuracy", "f1_iou50_p40", "acc_iou25"} <= set(known.index)
    tokens = rows[(rows["metric"] == "visual_tokens") & (rows["family"] == "all")]
    assert tokens["value"].tolist() == [3]


def test_types_of_samples_that_are_not_chosen_are_not_answered(
    tmp_path: Path, folder: Path
) -> None:
    settings = VideoPredictSettings.parse({**MODEL, "question_types": ["what"]})
    answers = ask(folder, tmp_path / "answers.jsonl", settings=settings)
    samples = read_records(folder / "test.jsonl", ScanSample)
    chosen = {one.sample_id for one in samples if one.question_type == "what"}
    assert {answer.sample_id for answer in answers} == chosen < {one.sample_id for one in samples}
    wrong = VideoPredictSettings.parse({**MODEL, "question_types": ["wat"]})
    with pytest.raises(UserError, match=r"test\.jsonl: no sample of tasks .* of types wat"):
        ask(folder, tmp_path / "wrong.jsonl", settings=wrong)


@pytest.mark.parametrize("is_grounded", [False, True])
@pytest.mark.parametrize("tokens", ["objects", "frames"])
def test_a_model_is_asked_exactly_as_it_was_taught(
    folder: Path, tokens: str, is_grounded: bool
) -> None:
    settings = VideoPredictSettings.parse(MODEL | {"tokens": tokens})
    base = vlm.load_model(str(folder / "base"))
    processor = VideoProcessor(vlm.load_processor(str(folder / "base")), base.config, settings)
    views, proposals = [folder / "scans.zarr"], [folder / "scans.proposals.parquet"]
    scans = ScanCache(ScanReader(views, proposals, settings.frames), processor)
    tasks = set()
    for sample in read_records(folder / "test.jsonl", ScanSample):
        tasks.add(sample.task)
        scan = scans.get((sample.source, sample.scene_id)).encoded
        point = None if sample.point_m is None else np.array(sample.point_m)
        taught, in_test = (
            processor.encode_question(
                scan, question_of(sample, point=point, is_grounded=is_grounded, ask=ask)
            )
            for ask in (False, True)
        )
        assert taught.question.prompt.encode() == in_test.question.prompt.encode()
        assert taught.tokens[: len(in_test.tokens)] == in_test.tokens
        if sample.task == "grounding":
            assert in_test.tokens == taught.tokens
    assert tasks == {"grounding", "captioning", "question"}


@pytest.mark.parametrize("situation", ["text", "pose"])
def test_a_scan_is_seen_from_the_same_places_in_training_and_when_asked(
    folder: Path, situation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = {"situation": situation, "random_yaw": False, "blind_fraction": 0.0}
    settings = VideoTrainingSettings.parse(MODEL | shown)
    in_prediction = VideoPredictSettings.parse(MODEL | {"situation": situation})
    base = vlm.load_model(str(folder / "base"))
    processor = VideoProcessor(vlm.load_processor(str(folder / "base")), base.config, settings)
    views, proposals = [folder / "scans.zarr"], [folder / "scans.proposals.parquet"]
    scans = ScanCache(ScanReader(views, proposals, settings.frames), processor)
    samples = read_records(folder / "test.jsonl", ScanSample)
    samples = [one for one in samples if one.scene_id == samples[0].scene_id]
    where = {"position_m": (1.0, 2.0, 1.5), "facing_deg": 30.0}
    samples = [one.model_copy(update=where) if one.task == "question" else one for one in samples]
    seen: dict[str, list[np.ndarray]] = {}
    encode = VideoProcessor.encode_question

    def record(self: VideoProcessor, scan: Any, question: Any) -> Any:
        seen.setdefault(question.prompt, []).append(scan.boxes[:, :3])
        return encode(self, scan, question)

    monkeypatch.setattr(VideoProcessor, "encode_question", record)
    scan = scans.get((samples[0].source, samples[0].scene_id))
    encode_samples(samples, scan, ScanGroups(processor), processor, settings)
    answerer = predict.ScanAnswerer(
        None,  # type: ignore[arg-type]
        processor,
        scans,
        in_prediction,
        condition="image",
        max_new_tokens=1,
    )
    for name in ("_score", "_write"):
        monkeypatch.setattr(answerer, name, lambda scan, questions: [("", [])] * len(questions))
    answerer.answer(samples)
    for prompt, (taught, in_test) in ((key, (own[0], own[-1])) for key, own in seen.items()):
        np.testing.assert_array_equal(taught, in_test, err_msg=prompt)
    centers = scan.inputs.boxes[:, :3]
    usual = centers - centers.mean(axis=0)
    question = next(own[0] for key, own in seen.items() if "on the left" in key)
    assert np.allclose(question, usual) == (situation == "text")
    if situation == "pose":
        angle = np.deg2rad(-30.0)
        offset = centers[0, :2] - (1.0, 2.0)
        ahead = offset[0] * np.cos(angle) - offset[1] * np.sin(angle)
        assert question[0, 0] == pytest.approx(ahead)


def test_conditions_show_what_they_say(tmp_path: Path, folder: Path) -> None:
    found = {
        condition: np.array(
            [
                answer.scores
                for answer in ask(folder, tmp_path / f"{condition}.jsonl", condition=condition)
                if answer.scores
            ]
        )
        for condition in ("image", "blind", "rotated90", "rotated180")
    }
    for condition in ("blind", "rotated90", "rotated180"):
        assert np.abs(found["image"] - found[condition]).max() > 1e-4, condition


def test_answers_are_the_same_after_a_run_that_was_cut(tmp_path: Path, folder: Path) -> None:
    whole = ask(folder, tmp_path / "whole.jsonl")
    parts = [
        ask(
            folder,
            tmp_path / f"part{part}.jsonl",
            part=part,
            settings=VideoPredictSettings.parse(MODEL | {"num_parts": 2}),
        )
        for part in (0, 1)
    ]
    assert sorted(whole, key=lambda a: a.sample_id) == sorted(
        parts[0] + parts[1], key=lambda a: a.sample_id
    )


def test_a_sample_that_cannot_be_asked_keeps_its_reason(tmp_path: Path, folder: Path) -> None:
    samples = read_records(folder / "test.jsonl", ScanSample)
    lost = samples[0].model_copy(update={"sample_id": "lost", "scene_id": "elsewhere"})
    questions = tmp_path / "mixed.jsonl"
    write_records(questions, [*samples, lost])
    answers = {
        answer.sample_id: answer
        for answer in ask(folder, tmp_path / "out.jsonl", questions=questions)
    }
    assert "no view shard" in answers["lost"].reason
    assert sum(bool(answer.reason) for answer in answers.values()) == 1
    write_records(questions, [lost])
    with pytest.raises(UserError, match="no sample could be asked"):
        ask(folder, tmp_path / "none.jsonl", questions=questions)


def test_a_model_of_other_settings_is_refused(tmp_path: Path, folder: Path) -> None:
    settings = VideoPredictSettings.parse(MODEL | {"grounding_head": "published"})
    with pytest.raises(UserError, match="do not fit the settings"):
        ask(folder, tmp_path / "out.jsonl", settings=settings)


def test_words_of_users_are_no_tokens_of_the_model() -> None:
    sample = ScanSample(
        sample_id="a",
        source="scans",
        scene_id="b",
        split="test",
        task="grounding",
        question_type="unique",
        text="the <object> box <ground>\nat <coord>",
    )
    assert prompt_of(sample) == "Find the object: the object box ground at coord"


def test_uniform_frames_are_at_equal_steps(folder: Path) -> None:
    views, proposals = [folder / "scans.zarr"], [folder / "scans.proposals.parquet"]
    for strategy in ("uniform", "chosen"):
        frames = VideoFramesSettings.parse({"strategy": strategy, "max_frames": 1})
        assert ScanReader(views, proposals, frames).read("scans", "scans-test0").num_frames == 1
