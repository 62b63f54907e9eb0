"""Answers about scans computed again from boxes and words, without the code that made them.

Words are read back: which noun, which colour or size, which place. Every check raises
`AssertionError` that names the sample.
"""

import math
import re
from collections.abc import Callable, Iterable

import shapely

from workflow_scripts.common.label_text import is_confusable, plural
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject

SIZES = "tallest|shortest|largest|smallest"
COLOURS = "black|gray|white|brown|beige|red|orange|yellow|green|teal|blue|purple|pink"
PLACE = re.compile(
    r"(nearest to|farthest from|next to|on|by|above) the (.+?)"
    r"(?= (?:nearest|farthest|next to|on the|by the|above|in a corner|in the)|[.?]|$)"
)


def flat_distance(one: ScanObject, other: ScanObject) -> float:
    return float(one.footprint.distance(other.footprint))


def box_distance(one: ScanObject, other: ScanObject) -> float:
    vertical = max(one.bottom_m - other.top_m, other.bottom_m - one.top_m, 0.0)
    return math.hypot(flat_distance(one, other), vertical)


class Reader:
    """Reads the words of samples about one scan."""

    def __init__(self, context: ScanContext) -> None:
        self.context = context
        everything = (*context.placed, *context.unseen)
        self.nouns = sorted({item.phrase for item in everything}, key=len, reverse=True)
        self.everything = everything

    def called(self, noun: str) -> list[ScanObject]:
        """Return what a noun names among what the frames show or glimpse."""
        return [item for item in self.context.placed if noun in (item.phrase, plural(item.phrase))]

    def one(self, noun: str) -> ScanObject:
        found = [item for item in self.called(noun) if item.num_frames]
        assert len(found) == 1, (noun, found)
        return found[0]

    def split(self, text: str) -> tuple[str, str, list[Callable[[ScanObject], bool]]]:
        """Return the noun, the superlative and what must be true of what is described."""
        text = text[:1].lower() + text[1:]
        tests: list[Callable[[ScanObject], bool]] = []
        superlative = ""
        rest = text
        for match in PLACE.finditer(text):
            relation, noun = match.groups()
            if relation == "on" and noun.startswith(("left", "right")):
                continue
            rest = rest.replace(match[0], " ")
            if relation in ("nearest to", "farthest from"):
                superlative = f"{relation}|{noun}"
            else:
                tests.append(self.place(relation, self.one(noun)))
        if "in a corner of the room" in rest:
            rest = rest.replace("in a corner of the room", " ")
            tests.append(self.in_corner)
        if match := re.search(r"in the (bedroom|living room|kitchen|bathroom)", rest):
            rest = rest.replace(match[0], " ")
            types = {"living room": "LivingRoom"}
            name = types.get(match[1], match[1].capitalize())
            rooms = [room.room_id for room in self.context.rooms if room.room_type == name]
            assert len(rooms) == 1, text
            tests.append(lambda item: item.room_id == rooms[0])
        for match in re.finditer(rf"\b({COLOURS})\b(?! juice)", rest):
            colour = match[1]
            tests.append(lambda item, colour=colour: item.colour == colour)
        rest = re.sub(rf"\b({COLOURS})\b ?", "", rest)
        for match in re.finditer(
            rf"\b({SIZES})\b|\b(taller|shorter|larger|smaller) of the two", rest
        ):
            superlative = (
                match[1]
                or {
                    "taller": "tallest",
                    "shorter": "shortest",
                    "larger": "largest",
                    "smaller": "smallest",
                }[match[2]]
            )
        known = [noun for noun in self.nouns if re.search(rf"\b{re.escape(noun)}\b", rest)]
        known += [n for n in self.nouns if re.search(rf"\b{re.escape(plural(n))}\b", rest)]
        known.sort(key=len, reverse=True)
        return (known[0] if known else ""), superlative, tests

    def place(self, relation: str, anchor: ScanObject) -> Callable[[ScanObject], bool]:
        def near(item: ScanObject) -> bool:
            gap = flat_distance(item, anchor)
            assert gap <= 0.35 or gap > 0.9, f"{item.phrase} {gap} from {anchor.phrase}"
            return gap <= 0.35

        def on(item: ScanObject) -> bool:
            assert item.parent == anchor.instance or box_distance(item, anchor) >= 0.15
            return item.parent == anchor.instance

        def over(item: ScanObject) -> bool:
            is_over = item.bottom_m > anchor.top_m and flat_distance(item, anchor) < 0.3
            return is_over and not item.parent

        return {"next to": near, "by": near, "on": on, "above": over}[relation]

    def in_corner(self, item: ScanObject) -> bool:
        polygon = self.context.rooms[0].polygon_m
        distance = min(item.footprint.distance(shapely.Point(corner)) for corner in polygon)
        assert distance <= 0.4 or distance > 1.2
        return distance <= 0.4

    def first(self, superlative: str, items: list[ScanObject]) -> ScanObject:
        """Return the first of some objects by a superlative; the second must be clearly behind."""
        relation, _, noun = superlative.partition("|")
        if noun:
            anchor = self.one(noun)
            sign = 1 if relation.startswith("near") else -1
            values = [
                sign * math.dist(item.centre_m.tolist(), anchor.centre_m.tolist()) for item in items
            ]
            least, ratio = 0.25, 1.2
        else:
            sign = -1 if relation in ("tallest", "largest") else 1
            is_height = relation in ("tallest", "shortest")
            values = [sign * float(i.size_m[2] if is_height else i.size_m.max()) for i in items]
            least, ratio = (0.1, 1.2) if is_height else (0.0, 1.1)
        order = sorted(range(len(items)), key=values.__getitem__)
        low, high = sorted(abs(values[place]) for place in order[:2])
        assert high - low >= least - 1e-9, superlative
        assert high >= ratio * low - 1e-9, superlative
        return items[order[0]]


def check_grounding(context: ScanContext, sample: ScanSample) -> None:
    reader = Reader(context)
    if sample.question_type == "zt_wo_d":
        noun = next(iter(sample.evidence)).removeprefix("num_")
        words = set(re.findall(r"[\w-]+", sample.text))
        assert set(noun.split()) <= words or set(plural(noun).split()) <= words, sample
        assert not reader.called(noun), sample
        return
    noun, superlative, tests = reader.split(sample.text)
    named = reader.called(noun)
    assert named, sample
    category = named[0].category
    might_be = [
        item
        for item in (*context.objects, *context.glimpsed)
        if is_confusable(category, item.category)
    ]
    # Colors are read last and come first: what they rule out may be near the edge of a place.
    fitting = [item for item in might_be if all(test(item) for test in reversed(tests))]
    if superlative:
        fitting = [reader.first(superlative, might_be)]
    assert [item.instance for item in fitting] == sample.targets, sample
    assert all(item.num_frames and item.category == category for item in fitting), sample
    number = {"unique": 1, "st_wo_d": 1, "multiple": 1, "nearest": 1, "st_w_d": 1, "zt_w_d": 0}
    assert len(fitting) == number.get(sample.question_type, len(fitting)), sample
    of_category = [item for item in might_be if item.category == category]
    if sample.question_type in ("unique", "st_wo_d"):
        assert len(of_category) == 1, sample
    if sample.question_type in ("multiple", "nearest", "st_w_d"):
        assert len(of_category) > 1, sample
    if sample.question_type == "mt":
        assert len(fitting) > 1, sample


def check_caption(context: ScanContext, sample: ScanSample) -> None:
    reader = Reader(context)
    item = context.by_instance[sample.targets[0]]
    assert sample.point_m is not None
    assert math.dist(sample.point_m, item.centre_m.tolist()) < 1e-5
    for text in sample.answers:
        whole = text.replace(" stands ", " ").replace(" hangs ", " ").replace(" and ", " ")
        noun, superlative, tests = reader.split(whole)
        assert noun == item.phrase, (text, noun)
        assert all(test(item) for test in tests), text
        if superlative:
            same = [
                g
                for g in (*context.objects, *context.glimpsed)
                if is_confusable(item.category, g.category)
            ]
            assert reader.first(superlative, same) is item, text


def angle_to(sample: ScanSample, item: ScanObject) -> float:
    """Return the angle of an object to the left of straight ahead, in (-180, 180]."""
    assert sample.position_m is not None
    assert sample.facing_deg is not None
    x, y = item.centre_m[0] - sample.position_m[0], item.centre_m[1] - sample.position_m[1]
    return (math.degrees(math.atan2(y, x)) - sample.facing_deg + 180) % 360 - 180


def side_of(sample: ScanSample, item: ScanObject) -> str:
    return "left" if angle_to(sample, item) > 0 else "right"


def depth_of(sample: ScanSample, item: ScanObject) -> str:
    return "front" if abs(angle_to(sample, item)) < 90 else "behind"


def check_situated(context: ScanContext, sample: ScanSample) -> None:
    reader = Reader(context)
    assert sample.position_m is not None
    here = shapely.Point(sample.position_m[:2])
    text, answer = sample.text, sample.answer

    def gap(item: ScanObject) -> float:
        return float(item.footprint.distance(here))

    faced = re.search(r"(?:facing|look at|looking at) the (.+?)(?:,|\.)", sample.situation)
    if faced:
        assert abs(angle_to(sample, reader.one(faced[1]))) < 0.1, sample
        assert not any(
            item.footprint.contains(here) and item.bottom_m < 1.0 and item.top_m > 0.05
            for item in context.objects
        ), sample
    if match := re.search(r"How many (?:of the )?(.+) are (on my (\w+)|in front|behind)", text):
        items = [i for i in reader.called(match[1]) if i.kind == "object"]
        where = match[3] or ("front" if match[2] == "in front" else "behind")
        named = side_of if match[3] else depth_of
        assert answer == str(sum(named(sample, item) == where for item in items)), sample
        return
    if match := re.search(
        r"^Which is (closer|nearer|on my (\w+)).*?, the (.+) or the (.+)\?", text
    ):
        pair = [reader.one(match[3]), reader.one(match[4])]
        if match[2]:
            assert [i.phrase for i in pair if side_of(sample, i) == match[2]] == [answer], sample
        else:
            assert min(pair, key=gap).phrase == answer, sample
        return
    if match := re.search(
        r"^What (?:is the closest|stands closest).* (left|right|front|behind)", text
    ):
        item = context.by_instance[sample.referents[-1]]
        assert item.phrase == answer, sample
        away = {"left": 90, "right": -90, "front": 0, "behind": 180}[match[1]]
        assert abs((angle_to(sample, item) - away + 180) % 360 - 180) <= 30.01, sample
        return
    subject = next(n for n in reader.nouns if re.search(rf"\bthe {re.escape(n)}\b", text))
    item = reader.one(subject)
    left_right, depth = side_of(sample, item), depth_of(sample, item)
    if answer in ("left", "right"):
        assert answer == left_right, sample
    elif answer.endswith("me"):
        assert answer == ("in front of me" if depth == "front" else "behind me"), sample
    else:
        yes = answer == "yes"
        if match := re.search(r"(?:my|turn) (left|right)", text):
            assert yes == (left_right == match[1]), sample
        elif "in front of" in text or "behind" in text:
            assert yes == (depth == ("front" if "in front" in text else "behind")), sample
        elif re.search("reach|touch", text):
            assert yes == (gap(item) <= 0.6), sample
            assert gap(item) <= 0.6 or gap(item) >= 1.3, sample
        else:
            assert re.search("without turning", text), sample
            assert yes == (abs(angle_to(sample, item)) <= 45), sample


def check_question(context: ScanContext, sample: ScanSample) -> None:
    reader = Reader(context)
    kind, text, answer = sample.question_type, sample.text, sample.answer
    everything = [*context.placed, *context.unseen]
    if kind == "on_what":
        noun = next(n for n in reader.nouns if re.search(rf"[Tt]he {re.escape(n)}\b", text))
        assert context.by_instance[reader.one(noun).parent].phrase == answer, sample
    elif kind == "what_is_on":
        noun = next(n for n in reader.nouns if f"the {n}?" in text)
        supported = [i for i in everything if i.parent == reader.one(noun).instance]
        assert {i.phrase for i in supported} <= {*sample.answers} or len(supported) > 1, sample
        assert len({i.phrase for i in supported}) == 1, sample
        assert len(supported) == 1 or answer.startswith(str(len(supported))), sample
    elif kind == "next_to":
        noun = next(n for n in reader.nouns if f"the {n}?" in text)
        anchor = reader.one(noun)
        beside = [
            i
            for i in (*context.objects, *context.glimpsed)
            if i is not anchor
            and not i.parent
            and i.bottom_m < 0.3
            and flat_distance(i, anchor) <= 0.35
        ]
        assert {i.phrase for i in beside} == {
            context.by_instance[r].phrase for r in sample.referents[1:]
        }, sample
    elif kind in ("how_many", "is_there"):
        noun, _, tests = reader.split(text)
        number = sum(all(test(i) for test in tests) for i in reader.called(noun))
        expected = str(number) if kind == "how_many" else "yes" if number else "no"
        assert answer == expected, (sample, number)
    elif kind == "color":
        assert context.by_instance[sample.referents[0]].colour == answer, sample
    elif kind == "where":
        item = context.by_instance[sample.referents[0]]
        for place in sample.answers:
            _, _, tests = reader.split(f"It is {place}.")
            assert tests, sample
            assert all(test(item) for test in tests), sample
    else:
        assert kind == "compare", sample
        one, other = (context.by_instance[r] for r in sample.referents[:2])
        if len(sample.referents) == 2:
            winner = max((one, other), key=lambda item: item.size_m[2])
        else:
            anchor = context.by_instance[sample.referents[2]]
            winner = min((one, other), key=lambda item: box_distance(item, anchor))
        assert winner.phrase == answer, sample
        assert f"the {one.phrase}" in text, sample
        assert f"the {other.phrase}" in text, sample


def check(context: ScanContext, samples: Iterable[ScanSample]) -> int:
    """Compute every sample again; return how many there were."""
    number = 0
    for sample in samples:
        if sample.task == "grounding":
            check_grounding(context, sample)
        elif sample.task == "captioning":
            check_caption(context, sample)
        elif sample.situation:
            check_situated(context, sample)
        else:
            check_question(context, sample)
        number += 1
    return number
