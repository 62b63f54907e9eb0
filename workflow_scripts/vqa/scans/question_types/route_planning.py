"""The turns that are missing in a robot's route from object to object."""

import itertools
from collections.abc import Iterator

import numpy as np

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.question_types.vsi_samples import (
    balanced_places,
    choice_sample,
    draw_balanced,
    landmarks,
    place_truth,
    some_of,
)
from workflow_scripts.vqa.scans.question_types.wording import pick
from workflow_scripts.vqa.scans.routes import (
    TURNS,
    FloorGraph,
    Route,
    draw_route,
    floor_graph,
    routes_by_turns,
)
from workflow_scripts.vqa.scans.samples import DroppedSample
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject

QUESTION_TYPE = "route_planning"
MAX_BLANKS, MAX_OPTIONS = 3, 4
ATTEMPTS = 600
"""Routes that are tried for each number of turns."""
NO_ROOM = "a scan whose floor is not known"
NO_ROUTE = "no route of straight legs with clear turns"
BLANK = "[please fill in]"
WORDINGS = (
    "You are a robot next to the {start}, facing the {facing}, and you have to get to the {end}. "
    "Replace each {blank} of the plan by 'turn back', 'turn left' or 'turn right'.",
    "A robot stands by the {start} and looks at the {facing}. It should drive to the {end}. Which "
    "turns are missing in its plan? Each {blank} is 'turn back', 'turn left' or 'turn right'.",
    "Plan the way of a robot from the {start}, where it faces the {facing}, to the {end}. For each "
    "{blank}, decide between 'turn back', 'turn left' and 'turn right'.",
)


def generate(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Iterator[ScanSample | DroppedSample]:
    """Yield choices of the turns of routes in the rooms that the camera was in."""
    if not context.rooms:
        yield DroppedSample(QUESTION_TYPE, NO_ROOM)
        return
    marks = landmarks(context)
    graphs = []
    for room in context.rooms:
        inside = [item for item in marks if room.shape.intersects(item.footprint)]
        inside = some_of(inside, rng)
        graph = floor_graph(context, room, inside)
        if any(graph.legs):
            graphs.append((graph, inside))
    drawn: list[Route] = []
    for blanks in range(1, MAX_BLANKS + 1):
        routes = _routes(graphs, blanks, rng, settings)
        if not routes:
            yield DroppedSample(QUESTION_TYPE, NO_ROUTE)
        limit = settings.samples_per_type // MAX_BLANKS or 1
        found = draw_balanced(routes_by_turns(routes), limit, rng)
        drawn += [route for _, route in found]
    for options in (len(TURNS), MAX_OPTIONS):
        of_kind = [route for route in drawn if _num_options(len(route.turns)) == options]
        places = balanced_places(len(of_kind), options, rng)
        for route, place in zip(of_kind, places, strict=True):
            yield _sample(context, route, place, rng)


def _num_options(blanks: int) -> int:
    return int(min(len(TURNS) ** blanks, MAX_OPTIONS))


def _routes(
    graphs: list[tuple[FloorGraph, list[ScanObject]]],
    blanks: int,
    rng: np.random.Generator,
    settings: ScanQuestionSettings,
) -> list[Route]:
    """Return different routes with a number of turns, of all combinations of turns alike."""
    if not graphs:
        return []
    found: dict[tuple[int, ...], Route] = {}
    for _ in range(ATTEMPTS):
        graph, faced = graphs[int(rng.integers(len(graphs)))]
        route = draw_route(
            graph,
            faced,
            [TURNS[place] for place in rng.integers(len(TURNS), size=blanks)],
            rng,
            starts_with_turn=bool(rng.integers(2)),
            margin_deg=settings.margin_deg,
        )
        if route is not None:
            found.setdefault(route.key, route)
    return list(found.values())


def _sample(context: ScanContext, route: Route, place: int, rng: np.random.Generator) -> ScanSample:
    blanks = len(route.turns)
    others = [turns for turns in itertools.product(TURNS, repeat=blanks) if turns != route.turns]
    number = _num_options(blanks) - 1
    wrong = [others[index] for index in rng.permutation(len(others))[:number]]
    options = [", ".join(turns) for turns in place_truth(route.turns, wrong, place, rng)]
    start = pick(rng, WORDINGS).format(
        start=route.objects[0].phrase,
        facing=route.facing.phrase,
        end=route.objects[-1].phrase,
        blank=BLANK,
    )
    evidence: dict[str, float] = {}
    for index, (x_m, y_m) in enumerate(route.points_m.tolist()):
        evidence |= {f"x_{index}_m": x_m, f"y_{index}_m": y_m}
    evidence |= {f"turn_{index}_deg": turn for index, turn in enumerate(route.turns_deg, 1)}
    return choice_sample(
        context,
        question_type=QUESTION_TYPE,
        text=f"{start} {_plan(route)}",
        options=options,
        place=place,
        referents=(route.facing, *route.objects),
        margin=route.margin_deg,
        margin_unit="deg",
        evidence=evidence,
        reasoning=_reasoning(route),
    )


def _plan(route: Route) -> str:
    """Return the steps of a route with its turns left out."""
    steps = []
    for number, item in enumerate(route.objects[1:]):
        if number > 0 or route.starts_with_turn:
            steps.append(BLANK)
        steps.append(f"Go forward until you reach the {item.phrase}")
    numbered = [f"{number}. {step}." for number, step in enumerate(steps, 1)]
    return f"{' '.join(numbered)} You are at the {route.objects[-1].phrase}."


def _reasoning(route: Route) -> str:
    """Return what the robot does at each turn."""
    first = 0 if route.starts_with_turn else 1
    sentences = []
    for place, (turn, angle) in enumerate(zip(route.turns, route.turns_deg, strict=True), first):
        here, ahead = route.objects[place], route.objects[place + 1]
        view = f"facing the {route.facing.phrase}" if place == 0 else "as the robot arrives"
        side = "left" if angle > 0 else "right"
        sentences.append(
            f"At the {here.phrase}, {view}, the {ahead.phrase} is {abs(angle):.0f} degrees to the "
            f"{side}: {turn.lower()}."
        )
    return " ".join(sentences)
