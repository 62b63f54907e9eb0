"""The table of metrics of answers about scans; `metrics.py` joins it to the others.

Names begin with the protocol where there is one (`protocols.py`): numbers of two protocols are
never in one row. The modules beside this one measure them under these names.
"""

from collections.abc import Iterator

from workflow_scripts.evaluate.metric import ScanMetric

FRACTION = "fraction"
IOU_PERCENT = (25, 50)
TEXT_METRICS = ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider_d", "meteor")
CAPTION_PROTOCOLS = {
    "video3d_scan2cap": "as Video-3D LLM and LEO: '.' and ',' are words, sos and eos around",
    "words_scan2cap": "as 3D-LLaVA: without punctuation, sos and eos around",
}
# Protocols of answers in words: what is done to texts, whether Java is needed for text metrics,
# whose exact match it has.
ANSWER_PROTOCOLS = {
    "video3d_scanqa": ("Video-3D LLM on ScanQA", "as they are, text metrics without a last '.'"),
    "leo": ("LEO", "LEO's cleaning"),
    "llava3d": ("LLaVA-3D", "LEO's cleaning, text metrics after the PTB tokenizer"),
    "scanqa_official": ("ScanQA", "as they are, text metrics after the PTB tokenizer"),
}
TOKENIZED = ("llava3d", "scanqa_official")
# The probability at which boxes are enough: of Multi3DRefer's paper and of Video-3D LLM's code.
PUBLISHED_PROBABILITIES = {"p25": 0.25, "p40": 0.4}
_TEXT_DEFINITIONS = {
    **{f"bleu_{n}": f"BLEU-{n} of the corpus" for n in range(1, 5)},
    "rouge_l": "mean ROUGE-L, beta 1.2",
    "cider_d": "mean CIDEr-D, rarity of n-grams from the references of the whole split",
    "meteor": "METEOR 1.5 of the corpus",
}


def _unit(text_metric: str) -> str:
    """Return the unit of a text metric: CIDEr-D goes up to 10."""
    return "0 to 10" if text_metric == "cider_d" else FRACTION


def _grounding() -> Iterator[ScanMetric]:
    for percent in IOU_PERCENT:
        yield ScanMetric(
            f"acc_iou{percent}",
            "higher",
            FRACTION,
            "share of descriptions of one object whose proposal with the highest score has IoU "
            f">= {percent / 100:g}",
            source=f"ScanRefer: Acc@{percent / 100:g}",
            tasks=("grounding",),
            is_headline=True,
        )
    published = {
        "": "chosen on validation samples",
        **{f"_{name}": f"{value:g}" for name, value in PUBLISHED_PROBABILITIES.items()},
    }
    for percent in IOU_PERCENT:
        for suffix, value in published.items():
            yield ScanMetric(
                f"f1_iou{percent}{suffix}",
                "higher",
                FRACTION,
                f"mean F1 of predicted and true boxes at IoU {percent / 100:g}, pairs with the "
                "largest total IoU; proposals are taken until their probability reaches the one "
                + (value if not suffix else f"that was published, {value}"),
                source=f"Multi3DRefer: F1@{percent / 100:g}",
                tasks=("grounding",),
                is_headline=not suffix,
            )
        yield ScanMetric(
            f"most_hits_f1_iou{percent}",
            "higher",
            FRACTION,
            f"as f1_iou{percent}, pairs with as many as possible above the IoU",
            tasks=("grounding",),
        )
    yield ScanMetric(
        "instance_accuracy",
        "higher",
        FRACTION,
        "share of descriptions of one object whose proposal with the highest score is that object",
        tasks=("grounding",),
        is_headline=True,
    )
    yield ScanMetric(
        "selection_probability",
        "higher",
        FRACTION,
        "the probability that was chosen on validation samples",
        tasks=("grounding",),
    )


def _rotations() -> Iterator[ScanMetric]:
    for name, definition in (
        ("rotation_consistency", "the same answer for the scan turned by 0, 90, 180 and 270 deg"),
        ("right_in_all_rotations", "the right answer in all four"),
    ):
        yield ScanMetric(
            name,
            "higher",
            FRACTION,
            f"share of samples with {definition}",
            tasks=("grounding", "question"),
            is_headline=True,
        )


def _captions() -> Iterator[ScanMetric]:
    for protocol, treatment in CAPTION_PROTOCOLS.items():
        for metric in TEXT_METRICS:
            yield ScanMetric(
                f"{protocol}_{metric}_iou50",
                "higher",
                _unit(metric),
                f"{_TEXT_DEFINITIONS[metric]} of captions, empty where no proposal has IoU >= 0.5 "
                f"with the object; texts {treatment}",
                source=f"Scan2Cap: {metric}@0.5",
                tasks=("captioning",),
                needs_java=metric == "meteor",
                is_headline=protocol == "words_scan2cap" and metric in ("bleu_4", "cider_d"),
            )
        for metric in ("rouge_l", "cider_d"):
            yield ScanMetric(
                f"strict_{protocol}_{metric}_iou50",
                "higher",
                _unit(metric),
                f"as {protocol}_{metric}_iou50, 0 where no proposal has that IoU",
                tasks=("captioning",),
            )


def _answers() -> Iterator[ScanMetric]:
    for protocol, (source, treatment) in ANSWER_PROTOCOLS.items():
        yield ScanMetric(
            f"{protocol}_em",
            "higher",
            FRACTION,
            f"share of answers equal to a reference; texts {treatment.partition(',')[0]}",
            source=f"{source}: EM@1",
            tasks=("question",),
        )
        if protocol in ("leo", "llava3d"):
            yield ScanMetric(
                f"{protocol}_refined_em",
                "higher",
                FRACTION,
                "share of answers that are equal to, in, or around a reference without blanks, "
                + ("first hit counts" if protocol == "leo" else "an empty answer is in all"),
                source=f"{source}: refined EM",
                tasks=("question",),
            )
        for metric in TEXT_METRICS:
            yield ScanMetric(
                f"{protocol}_{metric}",
                "higher",
                _unit(metric),
                f"{_TEXT_DEFINITIONS[metric]}; texts {treatment}",
                source=f"{source}: {metric}",
                tasks=("question",),
                needs_java=metric == "meteor" or protocol in TOKENIZED,
                is_headline=protocol == "video3d_scanqa" and metric == "cider_d",
            )
    yield ScanMetric(
        "answers_em",
        "higher",
        FRACTION,
        "share of answers equal to a reference but for case, articles, punctuation and digits "
        "written as words",
        tasks=("question",),
        is_headline=True,
    )
    yield ScanMetric(
        "answers_contained",
        "higher",
        FRACTION,
        "share of answers whose words hold a reference's or are in it; an empty answer is wrong",
        tasks=("question",),
    )


def _vsi() -> Iterator[ScanMetric]:
    yield ScanMetric(
        "vsi_score",
        "higher",
        FRACTION,
        "accuracy of letters, mean relative accuracy of numbers, read as by the released code; "
        "of relative directions the mean of three, of all the mean of the tasks",
        source="VSI-Bench: overall",
        tasks=("question",),
        is_headline=True,
    )


def _budget() -> Iterator[ScanMetric]:
    tasks = ("grounding", "captioning", "question")
    for name, definition in (
        ("frames_shown", "mean number of frames that are shown of a scan"),
        ("visual_tokens", "mean number of tokens of pictures and objects"),
    ):
        yield ScanMetric(
            name,
            "lower",
            "count",
            definition,
            tasks=tasks,  # type: ignore[arg-type]
            is_headline=True,
            is_overall=True,
        )


SCAN_METRICS: tuple[ScanMetric, ...] = (
    *_grounding(),
    *_rotations(),
    *_captions(),
    *_answers(),
    *_vsi(),
    *_budget(),
)
