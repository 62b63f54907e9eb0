"""Paraphrases: those that are still the question, and those that are not."""

from tests.vqa.export.questions import question, referent, width
from workflow_scripts.common.questions import Question

SOFA, LAMP = referent(7, "Sofa", "the sofa"), referent(10, "FloorLamp", "the floor lamp")
RED = referent(7, "Sofa", "the object at the red mark", "red")
BLUE = referent(10, "FloorLamp", "the object at the blue mark", "blue")
LEFT = question(0, question="Is the sofa to the left of the floor lamp?", kind="yes_no")
SENTENCE = question(
    1,
    question="In this picture, is the sofa to the left of the floor lamp?",
    answer="Yes, the sofa is to the left of the floor lamp.",
    kind="yes_no",
)
WHICH = question(
    2,
    family="taller",
    form="marked",
    kind="which",
    question="Which is taller, the object at the red mark or the object at the blue mark?",
    answer="It is the object at the blue mark that is taller.",
    choices=["red", "blue"],
    truth="blue",
    referents=[RED, BLUE],
)
WIDE = width(
    3, kind="open", question="How wide is the sofa?", answer="The sofa is 1.80 m wide.",
    tolerance=0.005,
)  # fmt: skip
OFFSET = width(
    4, family="left_offset", kind="open", referents=[SOFA, LAMP], truth=1.2, answer="1.20 m",
    question="How much further to the left is the centre of the sofa than that of the floor lamp?",
)  # fmt: skip
LETTERS = width(
    5, kind="multiple_choice", answer_type="multiple_choice", truth="B", choices=list("ABCD"),
    options=["90 cm", "1.80 m", "3.20 m", "60 cm"], answer="B: The sofa is 1.80 m wide.",
    question="How wide is the sofa? A: 90 cm. B: 1.80 m. C: 3.20 m. D: 60 cm.",
)  # fmt: skip
FACING = question(
    6, family="facing", kind="which", truth="to the left", referents=[SOFA], answer="to the left",
    choices=["towards the camera", "to the right", "away from the camera", "to the left"],
    question="Which way does the sofa face: towards the camera, away from the camera, to the "
    "left or to the right?",
)  # fmt: skip
CHAIRS = question(
    7, family="count", kind="open", answer_type="count", choices=[], truth=3.0, answer="3",
    question="How many chairs are there in the picture?",
    referents=[referent(3, "Chair", ""), referent(4, "Chair", ""), referent(5, "Chair", "")],
)  # fmt: skip
GAP = width(
    8, family="minimum_distance", kind="open", referents=[SOFA, LAMP], answer="1.80 m",
    question="What is the shortest distance between the sofa and the floor lamp?",
)  # fmt: skip
NEAREST = question(
    9, family="nearest_to", kind="which", truth="sofa", choices=["sofa", "bed", "desk"],
    question="Which is nearest to the floor lamp: the sofa, the bed or the desk?", answer="sofa",
    referents=[SOFA, referent(1, "Bed", "the bed"), referent(2, "Desk", "the desk"), LAMP],
)  # fmt: skip

Case = tuple[Question, str, str | None]
GOOD: list[Case] = [
    (LEFT, "Can you tell me whether the sofa is to the left of the floor lamp?", None),
    (LEFT, "Would you say the sofa appears to the left of the floor lamp?", None),
    (SENTENCE, "Looking at the image, is the sofa left of the floor lamp?",
     "Yes, in the image the sofa is left of the floor lamp."),
    (SENTENCE, "Please determine if the sofa is to the left of the floor lamp in this photo.",
     "Yes. The sofa is to the left of the floor lamp."),
    (WHICH, "Of the object at the red mark and the object at the blue mark, which one is taller?",
     "The object at the blue mark is the taller one."),
    (WIDE, "Could you estimate the width of the sofa?",
     "I would say the width of the sofa is 1.80 m."),
    (WIDE, "What would you say is the width of the sofa?", "The sofa is 1.80 metres wide."),
    (OFFSET, "How much further left is the middle of the sofa than that of the floor lamp?", None),
    (LETTERS, "What is the width of the sofa?", "B: The width of the sofa is 1.80 m."),
    (FACING, "Does the sofa face towards the camera, away from the camera, to the left or to the "
     "right?", None),
    (CHAIRS, "Can you tell me the number of chairs in this image?", None),
    (GAP, "Please estimate the shortest distance from the sofa to the floor lamp.", None),
    (NEAREST, "Of the sofa, the bed and the desk, which is closest to the floor lamp?", None),
]  # fmt: skip
BAD: list[tuple[Question, str, str | None, str]] = [
    (LEFT, "Is the sofa to the left of the floor lamp?", None, "the words are the same"),
    (LEFT, "The sofa is left of the floor lamp", None, "no single question"),
    (LEFT, "Is the sofa to the right of the floor lamp?", None, "lost"),
    (LEFT, "Would you say the floor lamp is to the left of the sofa?", None, "another role"),
    (LEFT, "Does the sofa have the floor lamp to its left?", None, "a new word"),
    (LEFT, "Tell me if to the left of the sofa there is the floor lamp.", None, "another role"),
    (LEFT, "Is the sofa not to the left of the floor lamp?", None, "a new word"),
    (LEFT, "Isn't the sofa to the left of the floor lamp?", None, "a new word"),
    (LEFT, "Is the couch to the left of the floor lamp?", None, "renamed"),
    (LEFT, "Is the red sofa to the left of the floor lamp?", None, "a new word"),
    (LEFT, "Which is to the left, the sofa or the floor lamp?", None, "yes or no"),
    (LEFT, "Is the sofa about 2 m to the left of the floor lamp?", None, "a number"),
    (SENTENCE, "Looking at the image, is the sofa left of the floor lamp?",
     "No, the sofa is left of the floor lamp in the image.", "yes or no is lost"),
    (SENTENCE, "Looking at the image, is the sofa left of the floor lamp?",
     "Yes, in the image the floor lamp is left of the sofa.", "another role"),
    (WHICH, "Which is shorter, the object at the red mark or the object at the blue mark?",
     "The object at the blue mark is the taller one.", "lost"),
    (WHICH, "Which is taller, the object at the red mark or the object at the green mark?",
     "The object at the blue mark is the taller one.", "renamed"),
    (WHICH, "Of the object at the red mark and the object at the blue mark, which one is taller?",
     "The object at the red mark is the taller one.", "another choice"),
    (WIDE, "Could you estimate the width of the sofa?", "The sofa is 1.80 cm wide.",
     "another length"),
    (WIDE, "Could you estimate the width of the sofa?", "The sofa is 1.8 m wide.", "a number"),
    (WIDE, "Could you estimate the width of the sofa?", "The sofa is 5.91 ft wide.",
     "a number"),
    (WIDE, "Could you estimate the height of the sofa?", "The sofa is 1.80 m wide.", "lost"),
    (WIDE, "How wide is it?", "The sofa is 1.80 m wide.", "renamed"),
    (OFFSET, "How much further left than the centre of the sofa is that of the floor lamp?", None,
     "another role"),
    (LETTERS, "What is the width of the sofa?", "A: The width of the sofa is 1.80 m.", "letter"),
    (LETTERS, "What is the width of the sofa?", "The width of the sofa is 1.80 m.", "letter"),
    (FACING, "Which way does the sofa face: towards the camera, away from it, to the left or to "
     "the right?", None, "a choice is lost"),
    (CHAIRS, "How many seats are there in the picture?", None, "renamed"),
    (GAP, "What is the distance between the sofa and the floor lamp?", None, "lost"),
    (GAP, "What is the shortest distance between the centres of the sofa and the floor lamp?", None,
     "a new word"),
    (NEAREST, "Which is nearest to the sofa: the floor lamp, the bed or the desk?", None,
     "another role"),
]  # fmt: skip
