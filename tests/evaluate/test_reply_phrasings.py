"""More replies as models write them: every answer type, in as many phrasings as can be."""

from typing import Any

import pytest

from workflow_scripts.evaluate.eval_items import EvalItem
from workflow_scripts.evaluate.replies import read_reply

LETTERS: list[tuple[str, Any]] = [
    ("A sofa", "B"),
    ("An armchair is near. The bed.", "D"),
    ("（D）", "D"),
    ("None of the options", None),
    ("Therefore D.", "D"),
    ("The correct answer is not A but D.", "D"),
    ("The correct option here would be **C**, given how near the chair is to the lamp.", "C"),
    ("I'd go for (D) – the bed is bigger than the lamp.", "D"),
    ("$\\boxed{\\mathrm{C}}$", "C"),
    ("\\[ \\boxed{\\textbf{(D)}} \\]", "D"),
    ("**Answer:** \\(\\text{B}\\)", "B"),
    ('```json\n{\n  "choice": "C",\n  "explanation": "The lamp and the sofa are far"\n}\n```', "C"),
    ("{'answer': 'D', 'reason': 'the sofa (B) is smaller'}", "D"),
    ("<answer>C</answer>", "C"),
    ("<|begin_of_box|>D. the bed<|end_of_box|>", "D"),
    ("Let me see: A or B? The lamp is small.</think>D", "D"),
    ("<think>A?</think>\n\n**B**", "B"),
    ("Option C: a chair. The bed (D) is wider but lower.", "C"),
    ("b) the sofa", "B"),
    (
        "In the picture, the sofa is clearly the widest of all, so the answer should be B.",
        "B",
    ),
    ("My final choice: D", "D"),
    ("C – although A comes close", "C"),
    ("It can't be A, B or D, hence C.", "C"),
    ("The lamp is not the one; rather, it's the bed.", "D"),
    ("Final Answer: The final answer is $\\boxed{B}$. I hope it is correct.", "B"),
    ("###  Answer\n\nB", "B"),
    ("The lamp isn't it. The bed.", "D"),
    ("Not the lamp but rather the sofa", "B"),
    ("The sofa is not far away, it is the sofa.", "B"),
    ("the bed, rather than the sofa", "D"),
]
YES_NO: list[tuple[str, Any]] = [
    ("Y", "yes"),
    ("n.", "no"),
    ("I don't think so.", "no"),
    ("I think so", "yes"),
    ("I don't know.", None),
    ("Neither", None),
    ("Yep - it does.", "yes"),
    ('{"answer": true}', "yes"),
    ("```\nNo\n```", "no"),
    ("\\boxed{\\text{No}}", "no"),
    ("I think it's above, not below. Wait, no: it is below.</think>Yes.", "yes"),
    ("<|begin_of_box|>No<|end_of_box|>", "no"),
    ("Certainly! Yes, the lamp is higher.", "yes"),
    ("That is correct.", "yes"),
    ("It is not.", "no"),
    ("**No** – the lamp stands to the right of the sofa.", "no"),
]
LENGTHS_M: list[tuple[str, Any]] = [
    ("15×10^-1 m", 1.5),
    ("1.5 x 10^0 m", 1.5),
    ("1 500 mm", 1.5),
    ("12 500 mm", 12.5),
    ("2 m x 10 m", 2.0),
    ("a metre and a half", 1.5),
    ("3 yards", 2.7432),
    ("5'11\"", 1.8034),
    ("5 feet, 11 inches", 1.8034),
    ("5ft11in", 1.8034),
    ("six feet two inches", 1.8796),
    ("6′ 2″", 1.8796),
    ("6 ft 2½ in", 1.8923),
    ("about 2m, 35cm", 2.35),
    ("2 m & 35 cm", 2.35),
    ("2 meters and 5 centimeters", 2.05),
    ("2m05", 2.05),
    ("\\(1.25\\,\\text{m}\\)", 1.25),
    ("$\\approx 1.25~\\mathrm{m}$", 1.25),
    ("\\boxed{125\\,\\text{cm}}", 1.25),
    ("\\boxed{1.25}\\text{ meters}", 1.25),
    ("The distance is \\frac{3}{4} m.", 0.75),
    ('{"distance": 1.25, "unit": "meters"}', 1.25),
    ('{"answer": "1.25 m", "confidence": 0.9}', 1.25),
    ('```json\n{"distance_cm": 125}\n```', 1.25),
    ("First guess 3 m, but scaled by the door (2 m) I get 1.25 m.</think>\n1.25 m", 1.25),
    ("~1.25m", 1.25),
    ("1,25 m", 1.25),
    ("1.2–1.3 m", 1.25),
    ("between 1.2 and 1.3 meters", 1.25),
    ("roughly one and a quarter meters", 1.25),
    ("1250 millimetres", 1.25),
    ("49 in.", 1.2446),
    ("≈ 4.1 ft.", 1.24968),
    ("1.25 \\text{ m}", 1.25),
    ("1.25 m (4.1 ft)", 1.25),
    ("4.1 ft (1.25 m)", 1.24968),
]
COUNTS: list[tuple[str, Any]] = [
    ("dozens", None),
    ("At least 4", 4),
    ("There appear to be \\boxed{3} chairs.", 3),
    ("Three.", 3),
    ('{"count": 3}', 3),
    ("1. chair by the window\n2. chair at the table\n3. chair near the door\nTotal: 3", 3),
    ("I counted: 1, 2, 3 — so 3.", 3),
    ("no chairs", 0),
    ("a single chair", 1),
    ("There's just one.", 1),
    ("A couple of chairs: 2", 2),
    ("3 chairs", 3),
    ("There are 3 chairs, so 12 legs.", 3),
    ("1 chair", 1),
    ("I see 2 chairs and 1 table; so 2 chairs.", 2),
    ("1. the red chair\n2. the blue chair", 2),
    ("There is a chair in the picture.", 1),
    ("There's a lot of chairs.", None),
    ("a pair of chairs", 2),
    ("In total there are 4 chairs.", 4),
    ("There are 2 at the table and 1 by the door.", 2),
    ("I can't tell how many; there is a chair hidden.", None),
    ("12 chairs", 12),
    ("First row: 1, 2, 3, 4. Total = 4", 4),
    ("I count 1 chair on the left and 2 on the right, making 3.", 3),
    ("one", 1),
    ("1", 1),
]
ANGLES_DEG: list[tuple[str, Any]] = [
    ("$45^\\circ$", 45),
    ("\\boxed{45^{\\circ}}", 45),
    ("45 degrees clockwise", 45),
    ("-45°", -45),
    ('{"angle_deg": 45}', 45),
    ("forty-five degrees", 45),
    ("0.785 rad", 44.977),
]
HOURS: list[tuple[str, Any]] = [
    ("\\boxed{3}", 3),
    ("It is at about 3 o’clock.", 3),
    ('{"answer": "3 o\'clock"}', 3),
    ("12:00", 12),
    ("At 10 o'clock, i.e. ahead and to the left.", 10),
]
AREAS_M2: list[tuple[str, Any]] = [
    ("12.5 m²", 12.5),
    ("12.5 m^2", 12.5),
    ("$12.5\\ \\text{m}^2$", 12.5),
    ("\\boxed{12.5\\,\\mathrm{m}^{2}}", 12.5),
    ("12.5 sqm", 12.5),
    ("12.5 square metres", 12.5),
    ("134.5 sq. ft.", 12.49546),
    ('{"area_m2": 12.5}', 12.5),
    ("12.5 sq m", 12.5),
    ("5 m x 2.5 m = 12.5 m²", 12.5),
]
POINTS: list[tuple[str, Any]] = [
    ("[0.25, 0.5]", (0.25, 0.5)),
    ("(25%, 50%)", (0.25, 0.5)),
    ('{"point_2d": [25, 50], "label": "lamp"}', (0.25, 0.5)),
    ('```json\n[{"point_2d": [25, 50], "label": "lamp"}]\n```', (0.25, 0.5)),
    ('<point x="25" y="50" alt="lamp">lamp</point>', (0.25, 0.5)),
    ("\\boxed{(0.25, 0.5)}", (0.25, 0.5)),
    ("x=0.25, y=0.5", (0.25, 0.5)),
]
BOXES: list[tuple[str, Any]] = [
    ("<|box_start|>(10,20),(30,40)<|box_end|>", (0.1, 0.2, 0.3, 0.4)),
    ('{"bbox_2d": [10, 20, 30, 40]}', (0.1, 0.2, 0.3, 0.4)),
    ("<box>10 20 30 40</box>", (0.1, 0.2, 0.3, 0.4)),
    ("x1=10, y1=20, x2=30, y2=40", (0.1, 0.2, 0.3, 0.4)),
    ("[[10, 20, 30, 40]]", (0.1, 0.2, 0.3, 0.4)),
    ("left=10, top=20, right=30, bottom=40", (0.1, 0.2, 0.3, 0.4)),
    ("xmin=0.1 ymin=0.2 xmax=0.3 ymax=0.4", (0.1, 0.2, 0.3, 0.4)),
]
PHRASINGS: dict[str, list[tuple[str, Any]]] = {
    "multiple_choice": LETTERS,
    "choice": YES_NO,
    "metres": LENGTHS_M,
    "count": COUNTS,
    "degrees": ANGLES_DEG,
    "clock": HOURS,
    "square_metres": AREAS_M2,
    "point": POINTS,
    "box": BOXES,
}
CHOICES = {"multiple_choice": ["A", "B", "C", "D"], "choice": ["yes", "no"]}
TRUTHS = {"multiple_choice": "A", "choice": "yes", "point": "(0, 1)", "box": "(0, 0, 1, 1)"}


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [(kind, *row) for kind, rows in PHRASINGS.items() for row in rows],
)
def test_a_phrasing_is_read_as_it_is_meant(kind: str, text: str, expected: Any) -> None:
    item = EvalItem(
        question_id="q",
        scene_id="s",
        family="f",
        form="named",
        question="?",
        answer="?",
        images=[],
        answer_type=kind,
        choices=CHOICES.get(kind, []),
        options=["the lamp", "the sofa", "a chair", "the bed"] if kind == "multiple_choice" else [],
        truth=TRUTHS.get(kind, 1.0),
        width_px=100,
        height_px=100,
    )
    found = read_reply(text, item).parsed
    if isinstance(expected, str) or expected is None:
        assert found == expected
    else:
        assert found == pytest.approx(expected, abs=5e-3)
