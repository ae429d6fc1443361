"""The service window: free-form messages that may be sent when it is closed, with a path that does it.

For every node: the longest time that may have passed since the contact's last message, in minutes. A
reply sets it to zero, waits and delays add to it, a template doesn't change it, ``logic_window_check``
bounds it. Times relative to a flow's entry are kept apart from those since a reply within it, so that a
called flow is summed up once for all its callers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pytake_app.engine.analysis.across import Across, Entered, memoised
from pytake_app.engine.analysis.graph import FlowGraph, FlowNode, Leg, components
from pytake_app.engine.analysis.report import Report, shortened, shown
from pytake_app.engine.findings import VerifyEnv

NEVER: Final = -math.inf
ALWAYS: Final = math.inf
_JUST: Final = 1 / 60
_SWEEPS: Final = 6
"""Sweeps over the graph after which what passes a window check is taken at its bound."""


def total(*minutes: float) -> float:
    """The sum; what never happens stays so, however long one waits."""
    return NEVER if NEVER in minutes else sum(minutes)


@dataclass(frozen=True, slots=True)
class Age:
    """Longest time since the contact wrote: ``here`` when that was in this flow, or ``since`` plus the
    age at the flow's entry. Minus infinity: no such way."""

    since: float = NEVER
    here: float = NEVER

    def plus(self, minutes: float) -> Age:
        return Age(total(self.since, minutes), total(self.here, minutes))

    def join(self, other: Age) -> Age:
        return Age(max(self.since, other.since), max(self.here, other.here))

    def at(self, entry: float) -> float:
        """The age when the flow was entered at age ``entry``."""
        return max(total(self.since, entry), self.here)

    def bounded(self, bound: float) -> Age:
        """After a check that the window is open."""
        highest = max(self.since, self.here)
        return self if highest == NEVER else Age(NEVER, bound if self.since > NEVER else min(self.here, bound))


NOTHING: Final = Age()


@dataclass(frozen=True, slots=True)
class Passed:
    """What a called flow does with the age: at its end, and at its free-form message that is sent latest
    after its entry without an answer before it."""

    end: Age = NOTHING
    send: float = NEVER


Calls = Callable[[Entered], Passed]


class Ages:
    """The analysis of one graph. ``starts``: entry node → age there."""

    def __init__(self, graph: FlowGraph, starts: dict[str, Age], across: Across, calls: Calls, limit: float) -> None:
        self.graph = graph
        self.across = across
        self.calls = calls
        self.limit = limit
        self.starts = starts
        known = graph.entries == list(starts)
        self.order = graph.order if known else graph.reached_from(next(iter(starts)))
        self.age: dict[str, Age] = dict.fromkeys(self.order, NOTHING)
        self.parent: dict[str, Leg | None] = {}
        self.growing = self._growing()
        self._run()

    def minutes(self, leg: Leg) -> float | None:
        """Minutes a leg adds; None: it is left by a reply."""
        pause = leg.pause
        if pause.kind == "reply":
            return None
        if pause.kind in ("none", "outside"):
            return 0.0
        minutes = self.graph.minutes(pause)
        return ALWAYS if minutes is None else minutes

    def after(self, leg: Leg, age: Age, *, widen: bool = False) -> Age:
        """The age after a leg."""
        node = self.graph.nodes[leg.source]
        if node.type is not None and node.type.window is not None:
            seen = node.type.window(leg.port)
            if seen == "closed":
                return Age(NEVER, ALWAYS)
            if seen == "open":
                bounded = age.bounded(self.limit - _JUST)
                return Age(NEVER, self.limit - _JUST) if widen and bounded.here > 0 else bounded
        minutes = self.minutes(leg)
        if minutes is None:
            return Age(NEVER, 0.0)
        result = age.plus(minutes)
        if leg.port == "next":
            for enters in node.enters:
                entered = self.across.flow(enters.flow) if enters.call else None
                if entered is not None:
                    end = self.calls(entered).end
                    result = Age(total(result.since, end.since), max(total(result.here, end.since), end.here))
        return result

    def _growing(self) -> set[str]:
        """Nodes in circles that take time and in which nobody answers."""
        legs: dict[str, list[Leg]] = {}
        for node_id in self.order:
            node = self.graph.nodes[node_id]
            if node.type is None or node.type.window is None:
                legs[node_id] = [leg for leg in node.legs if self.minutes(leg) is not None]
        found: set[str] = set()
        for component in components(self.order, lambda n: (leg.target for leg in legs.get(n, ()))):
            members = set(component)
            inside = [leg for n in component for leg in legs.get(n, ()) if leg.target in members]
            if any((self.after(leg, Age(0.0)).since or 0) > 0 for leg in inside):
                found |= members
        return found

    def _run(self) -> None:
        for node_id, age in self.starts.items():
            if node_id in self.age:
                self._raise(node_id, age, None)
        sweep, changed = 0, True
        rank = {n: i for i, n in enumerate(self.order)}
        while changed:
            changed = False
            sweep += 1
            for node_id in self.order:
                age = self.age[node_id]
                if age == NOTHING:
                    continue
                for leg in self.graph.nodes[node_id].legs:
                    if self._raise(leg.target, self.after(leg, age, widen=sweep > _SWEEPS), leg):
                        changed = changed or rank[leg.target] <= rank[node_id]

    def _raise(self, node_id: str, age: Age, leg: Leg | None) -> bool:
        if node_id in self.growing:
            age = Age(ALWAYS if age.since > NEVER else NEVER, ALWAYS if age.here > NEVER else NEVER)
        joined = self.age[node_id].join(age)
        if joined == self.age[node_id]:
            return False
        if joined.at(0.0) > self.age[node_id].at(0.0):
            self.parent[node_id] = leg
        self.age[node_id] = joined
        return True

    def late(self, node: FlowNode) -> float:
        """The longest age at which a node may send a free-form message; minus infinity: it sends none."""
        age = self.age.get(node.id, NOTHING).at(0.0)
        latest = NEVER
        for sends in node.sends:
            if sends.kind != "template" and sends.at != "reply":
                waited = 0.0 if sends.at == "visit" else ALWAYS if sends.minutes is None else sends.minutes
                latest = max(latest, total(age, waited))
        return latest

    def late_inside(self, node: FlowNode) -> tuple[float, str]:
        """The longest age at a free-form message of a flow that the node enters, and that flow's name."""
        latest, name = NEVER, ""
        for enters in node.enters:
            entered = self.across.flow(enters.flow)
            if entered is None:
                continue
            waited = 0.0
            if enters.pause.kind in ("time", "person"):
                minutes = self.graph.minutes(enters.pause)
                waited = ALWAYS if minutes is None else minutes
            age = total(self.age.get(node.id, NOTHING).at(0.0), waited, self.calls(entered).send)
            if age > latest:
                latest, name = age, entered.name
        return latest, name

    def example(self, node_id: str) -> list[str]:
        """The path along which a node's age came together, from the last reply, closed window or trigger on."""
        path, seen = [node_id], {node_id}
        while (leg := self.parent.get(path[-1])) is not None and leg.source not in seen:
            path.append(leg.source)
            seen.add(leg.source)
            node = self.graph.nodes[leg.source]
            if self.minutes(leg) is None or (node.type is not None and node.type.window is not None):
                break
        path.reverse()
        return path

    def certainly_closed(self) -> set[str]:
        """Nodes that every way reaches from the ``closed`` port of a window check, at once."""
        checks = [n for n in self.order if (t := self.graph.nodes[n].type) is not None and t.window is not None]
        if not checks:
            return set()
        certain = set(self.order) - set(self.starts)
        doubtful = [n for n in self.order if n not in certain]
        for node_id in self.order:
            for leg in self.graph.nodes[node_id].legs:
                if not self._keeps(leg, closed=True) and leg.target in certain:
                    certain.discard(leg.target)
                    doubtful.append(leg.target)
        while doubtful:
            for leg in self.graph.nodes[doubtful.pop()].legs:
                if leg.target in certain and not self._keeps(leg, closed=False):
                    certain.discard(leg.target)
                    doubtful.append(leg.target)
        return certain

    def _keeps(self, leg: Leg, *, closed: bool) -> bool:
        """Is the window certainly closed after a leg, given whether it certainly was before?"""
        node = self.graph.nodes[leg.source]
        if node.type is not None and node.type.window is not None:
            return node.type.window(leg.port) == "closed"
        # While time passes, or in another flow, the contact may write without the session hearing of it.
        return closed and leg.pause.kind in ("none", "outside") and not node.enters


def summaries(across: Across, limit: float) -> Calls:
    """Summaries of flows for those that enter them."""

    def compute(entered: Entered) -> Passed:
        ages = Ages(entered.graph, {entered.entry: Age(since=0.0)}, across, summary, limit)
        end, send = NOTHING, NEVER
        for node_id in ages.order:
            node, age = entered.graph.nodes[node_id], ages.age[node_id]
            if entered.graph.ends(node):
                for port in entered.graph.leaving(node):
                    end = end.join(ages.after(entered.graph.way_out(node, port), age))
                if not node.ports:
                    end = end.join(age)
            if any(s.kind != "template" and s.at != "reply" for s in node.sends):
                send = max(send, age.since)
            for enters in node.enters:
                other = across.flow(enters.flow)
                if other is not None:
                    minutes = entered.graph.minutes(enters.pause) if enters.pause.kind != "none" else 0.0
                    waited = ALWAYS if minutes is None else minutes
                    send = max(send, total(age.since, waited, summary(other).send))
        return Passed(end, send)

    summary = memoised(compute, Passed())
    return summary


def window_minutes(env: VerifyEnv) -> float | None:
    """How long the window is open on the attached channels (the shortest), or None where there is none."""
    if not env.channels:
        return 1440.0 if env.channel == "whatsapp" else None
    hours = [c.service_window_hours for c in env.channels if c.service_window_hours is not None]
    return min(hours) * 60.0 if hours else None


def check_window(graph: FlowGraph, across: Across, env: VerifyEnv, report: Report) -> None:
    """Findings about free-form messages that may be sent with the window closed."""
    limit = window_minutes(env)
    if limit is None or not graph.entries:
        return
    starts: dict[str, Age] = {}
    for entry in graph.entries:
        node = graph.nodes[entry]
        opens = node.type.window_at_entry(node.config) if node.type is not None else "unknown"
        cold = opens == "closed" or (opens == "unknown" and env.cold_start)
        starts[entry] = Age(NEVER, ALWAYS if cold else 0.0)
    ages = Ages(graph, starts, across, summaries(across, limit), limit)
    certain = ages.certainly_closed()
    for node_id in graph.nodes:
        if node_id not in graph.live:
            continue
        node = graph.nodes[node_id]
        age = ages.late(node)
        if age >= limit:
            path = ages.example(node_id)
            params: dict[str, str | int] = {"path": shown(graph, path)}
            more = {"path": shortened(path), "params": params}
            if node_id in certain:
                report.add("window_closed", "error", node_id, **more, mend="template_first")
            elif age == ALWAYS:
                report.add("window_unbounded", "warning", node_id, **more, mend="check_window")
            else:
                params["hours"] = round(age / 60)
                report.add("window_may_close", "warning", node_id, **more, mend="check_window")
        inside, flow = ages.late_inside(node)
        if inside >= limit:
            path = ages.example(node_id)
            told: dict[str, str | int] = {"path": shown(graph, path), "flow": flow[:80]}
            report.add("window_in_flow", "warning", node_id, path=shortened(path), params=told)
