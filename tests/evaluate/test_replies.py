"""One table of replies as models write them, for every answer type; and mutated ones."""

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from workflow_scripts.common.questions import AnswerType
from workflow_scripts.evaluate.eval_items import EvalItem
from workflow_scripts.evaluate.replies import read_reply

OPTIONS = ["the lamp", "the sofa", "a chair", "the bed"]
LENGTHS, COUNTS = ["1.2 m", "50 cm", "80 cm", "2.4 m"], ["2", "3", "4", "5"]
ANGLES = ["90 degrees", "45 degrees", "10 degrees", "180 degrees"]
CASES = Path(__file__).parents[3] / "shared/data/cases/replies.json"
INCH_M = 0.0254

LETTERS: list[tuple[str, str | None]] = [
    # A letter, then prose that mentions other options.
    ("B\n\nThe lamp is farther away.", "B"),
    ("B\r\n\r\nThe lamp is farther away.", "B"),
    ("A\n\nThe sofa is farther away.", "A"),
    ("B. The lamp is farther away than the bed.", "B"),
    ("B: the lamp is farther", "B"),
    ("B - the lamp is farther", "B"),
    ("B is farther than the lamp", "B"),
    ("B since the lamp is near", "B"),
    ("A because the sofa is near", "A"),
    ("b) because of the lamp", "B"),
    ("(c) because of the lamp", "C"),
    ("'B', as the lamp is near", "B"),
    ("**B**\nThe lamp is near.", "B"),
    ("B<br>The lamp is near.", "B"),
    ("Answer: B\n\nThe lamp is farther from the camera.", "B"),
    ("### Final Answer\nB\nThe lamp is farther.", "B"),
    ("B\n\nThe answer is based on the lamp.", "B"),
    ("B, not A or C", "B"),
    ("(B) since (A) is farther", "B"),
    ("B. Option A is too far.", "B"),
    # A letter inside a sentence.
    ("The answer is B because the lamp is farther.", "B"),
    ("The answer is A because the sofa is near.", "A"),
    ("The answer is 'B', the lamp is near.", "B"),
    ("The answer is b because the lamp is near.", "B"),
    ("It is B since the bed is behind it", "B"),
    ("It's C, the lamp is in front", "C"),
    ("It is not A, it is B", "B"),
    ("I'd go with option D because the sofa is nearer", "D"),
    ("I would pick B as the lamp hides the bed", "B"),
    ("Comparing A and B, I would pick B.", "B"),
    ("A is closer than B, so A", "A"),
    ("The lamp is nearest, hence B is right.", "B"),
    ("Clearly D is right, the lamp is small", "D"),
    ("Of the four, C stands nearest to the lamp", "C"),
    ("The correct option is (C), not the lamp", "C"),
    ("A. the lamp\nB. the sofa\nC. a chair\nD. the bed\n\nB", "B"),
    ("A: the lamp is 2 m away. B: the sofa is at 1 m. So B is nearest.", "B"),
    ("A: B", "B"),
    # No letter, an article, several letters.
    ("A chair is nearer", "C"),
    ("First, A is far. Therefore, the sofa.", "B"),
    ("The lamp. C is behind it", "A"),
    ("The answer is the sofa because the lamp is far", "B"),
    ("I would choose A or B", None),
    ("A\nB\nC", None),
    ("B\nB", "B"),
    ("A. the lamp\nB. the sofa", None),
    ("E\n\nThe lamp is far", None),
    ("I cannot tell whether B is nearer", None),
    # Thinking, tags, tokens, markup.
    ("I first thought A.</think>\n\nB. the sofa", "B"),
    ("<think>A?</think>\n\n<answer>B</answer> The lamp", "B"),
    ("◁think▷A◁/think▷B", "B"),
    ("[THINK]A[/THINK]B", "B"),
    ("B</think>", "B"),
    ("<|begin_of_box|>B<|end_of_box|>", "B"),
    ("The lamp? <|begin_of_box|>B<|end_of_box|>", "B"),
    ("<|begin_of_box|>B", "B"),
    ("<|box_start|>B<|box_end|><|im_end|>", "B"),
    ("<box>B</box>", "B"),
    ("<box>B. the lamp is far</box>", "B"),
    ("<final_answer>B</final_answer>", "B"),
    ("B</s>", "B"),
    ("<b>B</b>", "B"),
    ("_B_", "B"),
    ("（B）", "B"),
    ("答案：B", "B"),
    # LaTeX.
    (r"\boxed{B}", "B"),
    (r"\boxed{\text{B}}", "B"),
    (r"The lamp? $\boxed{\mathrm{(B)}}$", "B"),
    (r"\boxed{B. \text{ the lamp is far}}", "B"),
    (r"\(\mathbf{B}\)", "B"),
    (r"$B$ because the lamp is far", "B"),
    # JSON.
    ('{"answer": "B"}', "B"),
    ('{"answer": "B", "explanation": "The lamp is farther"}', "B"),
    ('{"explanation": "The lamp is farther", "answer": "B"}', "B"),
    ('{"answer": "B", "explanation": "The lamp is far', "B"),
    ('```json\n{"answer": "B"}\n```', "B"),
    ('```json\n{\n  "choice": "B. the sofa"\n}\n```\nThe lamp is far.', "B"),
    ("{'answer': 'B'}", "B"),
    ("{answer: B, reason: the lamp}", "B"),
    ('{"Final Answer": ["B"]}', "B"),
    ('[{"answer": {"letter": "B", "text": "the sofa"}}]', "B"),
    ('{"A": false, "B": true, "C": false, "D": false}', "B"),
    ('{"answer": "\\boxed{B}"}', "B"),
    ('<answer>{"answer": "B"}</answer>', "B"),
    ('{"answer": null}', None),
]

YES_NO: list[tuple[str, str | None]] = [
    ("No wait, the lamp is higher.</think>\n\nYes", "yes"),
    (r"\boxed{\text{No}}", "no"),
    ('{"answer": true}', "yes"),
    ('{"answer": "no", "explanation": "yes would be wrong"}', "no"),
    ("I think no. <|begin_of_box|>Yes<|end_of_box|>", "yes"),
    ("Yes. The answer is based on no other object.", "yes"),
    ("No wait. The answer is clearly yes", "yes"),
    ("```\nno\n```", "no"),
]

CHOICES: list[tuple[str, str | None]] = [
    ("On the left, because the right one is farther", "left"),
    ("It is on the left, not right", "left"),
    ("Right\n\nThe lamp is left of it.", "right"),
    ('{"side": "left", "reasoning": "the right one is farther"}', "left"),
    ("left or right", None),
]

LENGTHS_M: list[tuple[str, float | None]] = [
    ("The sofa is 2 m wide, so about half.</think>\n\n1.5 m", 1.5),
    ("1.5 m. The answer is based on the door of 2 m", 1.5),
    ("<answer>1.5</answer> m", 1.5),
    ("<|begin_of_box|>1.5 m<|end_of_box|>", 1.5),
    # LaTeX.
    (r"\boxed{1.5\ \text{m}}", 1.5),
    (r"\boxed{1.5} m", 1.5),
    (r"$\boxed{1.5}\,\text{m}$.", 1.5),
    (r"\boxed{3}. The door is 2 m", None),
    (r"$1.5\,\mathrm{m}$", 1.5),
    (r"$1.5\;\text{meters}$", 1.5),
    (r"1.5\quad m", 1.5),
    ("1.5~m", 1.5),
    (r"$1.5~\text{m}$", 1.5),
    (r"$\approx 1{,}5\,$m", 1.5),
    (r"$\frac{3}{2}\,\text{m}$", 1.5),
    (r"$1\frac{1}{2}$ m", 1.5),
    (r"\SI{1.5}{\metre}", 1.5),
    (r"\qty{150}{\centi\metre}", 1.5),
    (r"$\sqrt{3^2+4^2} = 5\,\text{m}$", 5),
    (r"$5\text{ ft }3\text{ in}$", 63 * INCH_M),
    (r"$5^\prime 3^{\prime\prime}$", 63 * INCH_M),
    # JSON.
    ('{"answer": "1.5 m"}', 1.5),
    ('{"answer": 1.5, "unit": "m"}', 1.5),
    ('{"distance_m": 1.5, "confidence": 0.9}', 1.5),
    ('```json\n{"height_cm": 150}\n```', 1.5),
    ('{"feet": 5, "inches": 3}', 63 * INCH_M),
    # Feet and inches, metres and centimetres.
    ("4 ft. 11 in.", 59 * INCH_M),
    ("4 ft.-11 in.", 59 * INCH_M),
    ("5'3\"", 63 * INCH_M),
    ("5' 3\"", 63 * INCH_M),
    ("5′3″", 63 * INCH_M),
    ("5’3”", 63 * INCH_M),
    ("5'3''", 63 * INCH_M),
    ("5'3", 63 * INCH_M),
    ("5ft3in", 63 * INCH_M),
    ("5ft.3in.", 63 * INCH_M),
    ("5 ft., 3 in.", 63 * INCH_M),
    ("5-ft-3-in", 63 * INCH_M),
    ("5 feet & 3 inches", 63 * INCH_M),
    ("5 feet plus 3 inches", 63 * INCH_M),
    ("five foot three", 63 * INCH_M),
    ("5 ft 3 ½ in", 63.5 * INCH_M),
    ("5'3⅛\"", 63.125 * INCH_M),
    ("2 m. 30 cm.", 2.3),
    ("2m30cm", 2.3),
    ("2m30", 2.3),
    ("2 m 30", 2.3),
    ("2 m & 30 cm", 2.3),
    ("2,30 m", 2.3),
    ("2 m, 30 cm", 2.3),
    # Not two parts of one length.
    ("4 feet or 48 inches", 48 * INCH_M),
    ("1.2 m, 120 cm", 1.2),
    ("1.5 m, 50 cm behind the lamp", 1.5),
    ("2 m tall, 30 cm wide", 2),
    ("4 ft. to 5 ft.", 54 * INCH_M),
    # Fractions and brackets.
    ("⅓ m", 1 / 3),
    ("1⁄2 m", 0.5),
    ("1.5 (m)", 1.5),
    ("1.5 [meters]", 1.5),
    ("10 m2", None),
]

OTHERS: list[tuple[AnswerType, str, Any]] = [
    ("count", "I see 5 things, 2 are no chairs.</think>\n3", 3),
    ("count", '{"count": 3}', 3),
    ("count", r"$\boxed{3}$", 3),
    ("count", "3\n\nThere are 2 left and 1 right.", 3),
    ("clock", r"3\ \text{o'clock}", 3),
    ("clock", '{"answer": 3}', 3),
    ("clock", "3\n\nThe lamp is at 2", 3),
    ("clock", "At 2? Yes.</think>4 o'clock", 4),
    ("degrees", r"$45^{\circ}$", 45),
    ("degrees", r"\boxed{45}^\circ", 45),
    ("degrees", '{"angle_deg": 45}', 45),
    ("square_metres", r"$12\ \text{m}^2$", 12),
    ("square_metres", "12 sq.m", 12),
    ("square_metres", "12 m<sup>2</sup>", 12),
    ("point", '{"x": 0.25, "y": 0.5}', (0.25, 0.5)),
    ("point", "<point>0.25, 0.5</point>", (0.25, 0.5)),
    ("point", r"$\left(0.25,\, 0.5\right)$", (0.25, 0.5)),
    ("point", '```json\n[{"point_2d": [0.25, 0.5], "label": "lamp"}]\n```', (0.25, 0.5)),
    ("box", "<|box_start|>(0.1,0.2),(0.5,0.6)<|box_end|>", (0.1, 0.2, 0.5, 0.6)),
    ("box", "<ref>lamp</ref><box>[[0.1, 0.2, 0.5, 0.6]]</box>", (0.1, 0.2, 0.5, 0.6)),
    ("box", '[{"bbox_2d": [0.1, 0.2, 0.5, 0.6], "label": "lamp"}]', (0.1, 0.2, 0.5, 0.6)),
    ("box", '{"x1": 0.1, "y1": 0.2, "x2": 0.5, "y2": 0.6}', (0.1, 0.2, 0.5, 0.6)),
    ("box", "(0.1, 0.2) to (0.5, 0.6)", (0.1, 0.2, 0.5, 0.6)),
    ("box", f"({9:9<400}, 1, 2, 3)", None),
]

EXAMPLES: list[tuple[str, str, Any]] = [
    *(("multiple_choice", text, expected) for text, expected in LETTERS),
    *(("yes_no", text, expected) for text, expected in YES_NO),
    *(("choice", text, expected) for text, expected in CHOICES),
    *(("metres", text, expected) for text, expected in LENGTHS_M),
    *OTHERS,
]
CHOICES_OF = {"multiple_choice": list("ABCD"), "yes_no": ["yes", "no"], "choice": ["left", "right"]}
TRUTHS = {
    **{"multiple_choice": "A", "yes_no": "yes", "choice": "left"},
    **{"point": "(0.5, 0.5)", "box": "(0, 0, 1, 1)"},
}


def parse(kind: str, text: str, options: list[str] = OPTIONS) -> Any:
    item = EvalItem(
        question_id="q",
        scene_id="s",
        family="f",
        form="named",
        question="?",
        answer="?",
        images=[],
        answer_type="choice" if kind == "yes_no" else kind,
        choices=CHOICES_OF.get(kind, []),
        options=options if kind == "multiple_choice" else [],
        truth=TRUTHS.get(kind, 1.0),
        width_px=0,
        height_px=0,
    )
    return read_reply(text, item).parsed


@pytest.mark.parametrize(("kind", "text", "expected"), EXAMPLES)
def test_replies_are_read_as_they_are_meant(kind: str, text: str, expected: Any) -> None:
    found = parse(kind, text)
    if isinstance(expected, float | int | tuple):
        assert found == pytest.approx(expected, abs=1e-5)
    else:
        assert found == expected


def test_letters_in_the_texts_of_options_are_no_answers() -> None:
    options = ["object B", "object A"]
    assert parse("multiple_choice", "object B", options) == "A"
    assert parse("multiple_choice", "B. object A", options) == "B"


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        *((text, LENGTHS, "A") for text in ("1.2 meters", "120 cm", "About 1.20 m.", "1.2m tall")),
        *((text, LENGTHS, "C") for text in ("0.8 metres", r"\boxed{0.8\,\text{m}}", "80cm")),
        *((text, LENGTHS, None) for text in ("1.2 m or 2.4 m", "3 m", "1.3 meters", "1 to 2 m")),
        ("1.2 meters, not 2.4 meters", LENGTHS, "A"),
        ("B, which is 1.2 meters", LENGTHS, "B"),
        *((text, ANGLES, "B") for text in ("45°", "45 deg", "It turned by forty-five degrees")),
        *((text, COUNTS, "B") for text in ("three", "Three.", "3.0")),
        *((text, COUNTS, None) for text in ("thirty", "7", "no idea")),
    ],
)
def test_options_that_are_quantities_are_read_however_they_are_printed(
    text: str, options: list[str], expected: str | None
) -> None:
    assert parse("multiple_choice", text, options) == expected


@pytest.mark.skipif(not CASES.exists(), reason="the shared examples are not here")
def test_the_shared_examples_are_read() -> None:
    for case in json.loads(CASES.read_text(encoding="utf-8")):
        found = parse(case["type"], case["reply"], case.get("options", OPTIONS))
        if isinstance(case["expected"], float | int):
            assert found == pytest.approx(case["expected"], abs=1e-6), case
        else:
            assert found == case["expected"], case


HOSTILE = [
    "[" * 100_000,
    '{"answer": ' * 20_000,
    f'{{"answer": {9:9<400}}}',
    f'{{"answer": {9:9<10000}}}',
    '{"answer": 1e999}',
    '{"answer": NaN}',
    '{"answer": "\ud800"}',
    "\ud800 B",
    "\\boxed{" * 5000,
    "<answer>" * 5000,
    "</think>" * 5000,
    "<think>" * 5000,
    "$" * 20_000,
    "\\text{" * 5000 + "}" * 5000,
    "A or " * 5000,
    "A. " * 5000,
    "1 m " * 5000,
    "5 ft 3 " * 5000,
    "(0.1, " * 5000,
    "the lamp " * 3000,
    " " * 20_000,
    "\n" * 20_000,
    "\0B",
]


def mutated(rng: random.Random) -> tuple[str, str]:
    """Return a reply of the table with pieces of others cut in, doubled, dropped or swapped."""
    kind, text, _ = rng.choice(EXAMPLES)
    for _ in range(rng.randint(1, 4)):
        other = rng.choice(EXAMPLES)[1]
        at, to = sorted(rng.randint(0, len(text)) for _ in range(2))
        piece = other[rng.randint(0, len(other)) :]
        text = rng.choice(
            [
                text[:at] + piece + text[to:],
                text[:at] + text[to:],
                text[:to] + text[at:to] * rng.randint(1, 30) + text[to:],
                text[:at] + rng.choice("{}[]()<>\\$\"'\n\0|~,.:-½\ud800") + text[at:],
            ]
        )
    return kind, text


def assert_valid(kind: str, text: str) -> None:
    started = time.process_time()
    found = parse(kind, text)
    assert time.process_time() - started < 5, text[:80]
    if kind in CHOICES_OF:
        assert found is None or found in CHOICES_OF[kind]
    elif kind in ("point", "box"):
        assert found is None or len(found) == {"point": 2, "box": 4}[kind]
    else:
        assert found is None or abs(found) < float("inf")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_replies_cost_one_answer(text: str) -> None:
    for kind in {kind for kind, _, _ in EXAMPLES}:
        assert_valid(kind, text)


def test_mutated_replies_give_a_valid_answer_or_none() -> None:
    rng = random.Random(20)
    for _ in range(400):
        assert_valid(*mutated(rng))
