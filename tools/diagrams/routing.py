"""Routing of the arrows on the lines of the grid, around tiles and titles, with few bends.

Each arrow is a shortest path (A*) over the points of the grid, with additional costs for bends,
crossings and lines that another arrow uses. Ties are resolved by the order of insertion, so that
the result is deterministic.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tools.diagrams.flows import Flow
from tools.diagrams.layout import GRID, Box, Layout
from tools.diagrams.text import width_of

Point = tuple[int, int]
DIRECTIONS: tuple[Point, ...] = ((1, 0), (0, 1), (-1, 0), (0, -1))

STEP, BEND, CROSSING, SHARED, BESIDE, ALONG_FRAME, OFF_CENTRE = 10, 40, 60, 400, 6, 25, 3
LABEL_SIZE, LABEL_HEIGHT = 11, 16


@dataclass(frozen=True)
class Route:
    """An arrow: its flow, its corners in pixels, and the area of its label."""

    flow: Flow
    points: tuple[Point, ...]
    label_box: Box | None = None

    def segments(self) -> Iterator[Box]:
        """Yield the straight parts, as boxes without area."""
        for (x1, y1), (x2, y2) in zip(self.points, self.points[1:], strict=False):
            yield Box(min(x1, x2), min(y1, y2), abs(x2 - x1), abs(y2 - y1))


class Router:
    """Routes one arrow after the other, the shortest first."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._solid = {
            point
            for box in [*layout.boxes.values(), *(f.title_box for f in layout.frames.values())]
            for point in _points(box)
        }
        self._frame_lines = {
            (point, sideways)
            for frame in layout.frames.values()
            for point, sideways in _outline(frame.box)
        }
        self._lines: dict[tuple[Point, bool], set[str]] = {}

    def routes(self, flows: list[Flow]) -> list[Route]:
        """Return the arrows with their labels, in the order of the flows."""
        routed = {
            flow: Route(flow, self._route(flow)) for flow in sorted(flows, key=self._distance)
        }
        labelled: dict[Flow, Route] = {}
        taken: list[Box] = []
        for flow in sorted(flows, key=lambda flow: -width_of(flow.label, LABEL_SIZE)):
            others = [route for route in routed.values() if route.flow != flow]
            box = self._label(routed[flow], others, taken) if flow.label else None
            labelled[flow] = Route(flow, routed[flow].points, box)
            taken += [box] if box else []
        return [labelled[flow] for flow in flows]

    def _box(self, key: str) -> Box:
        return self._layout.boxes.get(key) or self._layout.frames[key].box

    def _distance(self, flow: Flow) -> int:
        source, target = self._box(flow.source), self._box(flow.target)
        return abs(source.x - target.x) + abs(source.y - target.y)

    def _route(self, flow: Flow) -> tuple[Point, ...]:
        source, target = self._box(flow.source), self._box(flow.target)
        goals = {(point, (-out[0], -out[1])): cost for point, out, cost in _ports(target)}
        low_x, high_x = target.x // GRID, target.right // GRID
        low_y, high_y = target.y // GRID, target.bottom // GRID

        def rest(point: Point) -> int:
            x, y = point
            return STEP * (max(low_x - x, 0, x - high_x) + max(low_y - y, 0, y - high_y))

        queue: list[tuple[int, int, int, Point, Point]] = []
        best: dict[tuple[Point, Point], int] = {}
        came: dict[tuple[Point, Point], Point] = {}
        starts = {point for point, _, _ in _ports(source)}
        for point, out, cost in _ports(source):
            best[(point, out)] = cost
            heapq.heappush(queue, (cost + rest(point), len(queue), cost, point, out))
        pushed = len(queue)
        while queue:
            _, _, cost, point, heading = heapq.heappop(queue)
            if cost > best[(point, heading)]:
                continue
            if (point, heading) in goals and point not in starts:
                return self._traced(flow, came, point, heading, starts)
            for onward, direction, added in self._moves(flow, point, heading, starts, goals):
                step = cost + added
                if step < best.get((onward, direction), step + 1):
                    best[(onward, direction)] = step
                    came[(onward, direction)] = heading
                    pushed += 1
                    entry = (step + rest(onward), pushed, step, onward, direction)
                    heapq.heappush(queue, entry)
        raise ValueError(
            f"no route from {flow.source} to {flow.target}; increase the distances in layout.py"
        )

    def _moves(
        self,
        flow: Flow,
        point: Point,
        heading: Point,
        starts: set[Point],
        goals: Mapping[tuple[Point, Point], int],
    ) -> Iterator[tuple[Point, Point, int]]:
        """Yield the possible next points of an arrow, with direction and cost."""
        for direction in DIRECTIONS:
            backwards = direction == (-heading[0], -heading[1])
            if backwards or (point in starts and direction != heading):
                continue
            onward = (point[0] + direction[0], point[1] + direction[1])
            ends = (onward, direction) in goals
            blocked = onward in self._solid or self._outside(onward)
            if onward in starts or (blocked and not ends):
                continue
            cost = self._step(flow, onward, direction)
            cost += BEND if direction != heading else 0
            yield onward, direction, cost + goals.get((onward, direction), 0)

    def _outside(self, point: Point) -> bool:
        x, y = point
        return not (0 < x < self._layout.width // GRID and 6 < y < self._layout.height // GRID)

    def _step(self, flow: Flow, point: Point, direction: Point) -> int:
        sideways = direction[0] != 0
        ends = {f"from {flow.source}", f"to {flow.target}"}
        cost = STEP
        if (point, sideways) in self._frame_lines:
            cost += ALONG_FRAME
        if other := self._lines.get((point, sideways)):
            # Arrows with the same source or the same target may share a line.
            cost += 0 if other & ends else SHARED
        if other := self._lines.get((point, not sideways)):
            cost += CROSSING
        across = (direction[1], direction[0])
        for side in (1, -1):
            beside = (point[0] + side * across[0], point[1] + side * across[1])
            if beside in self._solid or self._lines.get((beside, sideways)):
                cost += BESIDE
        return cost

    def _traced(
        self,
        flow: Flow,
        came: dict[tuple[Point, Point], Point],
        point: Point,
        heading: Point,
        starts: set[Point],
    ) -> tuple[Point, ...]:
        corners = [point]
        ends = {f"from {flow.source}", f"to {flow.target}"}
        while point not in starts:
            self._lines.setdefault((point, heading[0] != 0), set()).update(ends)
            before = came[(point, heading)]
            point = (point[0] - heading[0], point[1] - heading[1])
            self._lines.setdefault((point, heading[0] != 0), set()).update(ends)
            if before != heading:
                corners.append(point)
            heading = before
        corners.append(point)
        return tuple((x * GRID, y * GRID) for x, y in reversed(corners))

    def _label(self, route: Route, others: list[Route], taken: list[Box]) -> Box:
        """Return the first free area on the arrow, on its longest part first."""
        layout = self._layout
        width = width_of(route.flow.label, LABEL_SIZE) + 8
        occupied = [
            *layout.boxes.values(),
            *(frame.title_box for frame in layout.frames.values()),
            *taken,
        ]
        lines = [segment for other in others for segment in other.segments()]
        edges = [edge for frame in layout.frames.values() for edge in _edges(frame.box)]
        # If no area is free of both, the label may cover the edge of a frame, then another arrow.
        for avoided in ([*lines, *edges], lines, []):
            for part in sorted(route.segments(), key=lambda part: -part.width - part.height):
                for box in _along(part, width):
                    if not any(box.overlaps(other, 2) for other in [*occupied, *avoided]):
                        return box
        raise ValueError(
            f"no free area for the label {route.flow.label!r} from {route.flow.source} to"
            f" {route.flow.target}; increase the distances in layout.py, or shorten the label"
        )


def _points(box: Box) -> Iterator[Point]:
    for x in range(-(-box.x // GRID), box.right // GRID + 1):
        for y in range(-(-box.y // GRID), box.bottom // GRID + 1):
            yield x, y


def _edges(box: Box) -> tuple[Box, ...]:
    return (
        Box(box.x, box.y, box.width, 0),
        Box(box.x, box.bottom, box.width, 0),
        Box(box.x, box.y, 0, box.height),
        Box(box.right, box.y, 0, box.height),
    )


def _outline(box: Box) -> Iterator[tuple[Point, bool]]:
    left, right = box.x // GRID, box.right // GRID
    top, bottom = box.y // GRID, box.bottom // GRID
    for x in range(left, right + 1):
        yield (x, top), True
        yield (x, bottom), True
    for y in range(top, bottom + 1):
        yield (left, y), False
        yield (right, y), False


def _ports(box: Box) -> Iterator[tuple[Point, Point, int]]:
    """Yield the points where arrows may touch a box, the direction away from it and the cost."""
    left, right = box.x // GRID, box.right // GRID
    top, bottom = box.y // GRID, box.bottom // GRID
    for x in range(left + 2, right - 1):
        cost = OFF_CENTRE * abs(2 * x - left - right) // 2
        yield (x, top), (0, -1), cost
        yield (x, bottom), (0, 1), cost
    for y in range(top + 1, bottom):
        cost = OFF_CENTRE * abs(2 * y - top - bottom) // 2
        yield (left, y), (-1, 0), cost
        yield (right, y), (1, 0), cost


def _along(part: Box, width: int) -> Iterator[Box]:
    """Yield areas for a label on a straight part, from its middle outwards."""
    centre_x, centre_y = part.x + part.width // 2, part.y + part.height // 2
    if part.width:
        spare = (part.width - width - 2 * GRID) // 2
        for off in range(0, spare + 1, 5):
            for sign in (1, -1):
                x = centre_x + sign * off - width // 2
                yield Box(x, centre_y - LABEL_HEIGHT // 2, width, LABEL_HEIGHT)
    else:
        spare = (part.height - LABEL_HEIGHT - 8) // 2
        for off in range(0, spare + 1, 2):
            for sign in (1, -1):
                y = centre_y + sign * off - LABEL_HEIGHT // 2
                yield Box(centre_x - width // 2, y, width, LABEL_HEIGHT)
