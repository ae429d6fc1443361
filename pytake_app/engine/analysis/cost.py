"""What a conversation costs: the fewest and the most billable messages from each trigger to an end."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from pytake_app.engine.analysis.across import Across, Entered, memoised
from pytake_app.engine.analysis.graph import FlowGraph, FlowNode, Leg, components
from pytake_app.engine.analysis.report import Report
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.findings import Prices, TemplateFacts, VerifyEnv
from pytake_app.engine.nodes.facts import Sends

MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Spent:
    """Messages and money (millionths). Infinite where a circle has no bound."""

    messages: float = 0.0
    billable: float = 0.0
    price: float = 0.0

    def plus(self, other: Spent) -> Spent:
        return Spent(self.messages + other.messages, self.billable + other.billable, self.price + other.price)


class CostRange(BaseModel):
    """Fewest and most of one conversation. ``most_*`` None: a circle can repeat without bound. Prices in
    millionths of the currency. ``partial``: a flow that is entered could not be looked into."""

    model_config = ConfigDict(frozen=True)

    node_id: str | None
    kind: str
    least_messages: int
    most_messages: int | None
    least_billable: int
    most_billable: int | None
    least_price: int
    most_price: int | None
    partial: bool = False

    @property
    def unbounded(self) -> bool:
        """Can the conversation cost without bound?"""
        return self.most_price is None or self.most_billable is None


class CostReport(BaseModel):
    """The cost from each trigger, and over all of them (``overall``)."""

    model_config = ConfigDict(frozen=True)

    currency: str
    entries: list[CostRange]
    overall: CostRange


def cost(
    document: FlowDocument,
    prices: Prices | None = None,
    *,
    templates: tuple[TemplateFacts, ...] = (),
    env: VerifyEnv | None = None,
) -> CostReport:
    """What one conversation with the flow costs. ``templates`` give categories (a template that isn't
    among them counts as marketing, the dearest kind); ``env`` gives prices, templates and other flows
    where they aren't given themselves. Never raises on a FlowDocument."""
    env = env or VerifyEnv()
    graph = FlowGraph(document)
    return costs(graph, Across(env, graph), prices or env.prices or Prices(), templates or env.template_facts or ())


def costs(graph: FlowGraph, across: Across, prices: Prices, templates: tuple[TemplateFacts, ...]) -> CostReport:
    """The report of a graph that is already made."""
    tariff = _Tariff(prices, templates)
    summary = _summaries(across, tariff)
    entries = [_range(graph, entry, across, tariff, summary) for entry in graph.entries]
    return CostReport(currency=prices.currency, entries=entries, overall=_overall(entries))


def path_costs(
    document: FlowDocument, ways: Sequence[Sequence[str]], *, env: VerifyEnv | None = None
) -> list[CostRange]:
    """What going each way to its end costs, once: ``ways`` are the ids of the nodes on it, in order. Other flows that
    are entered count from their beginning to wherever they may stop. Never raises for nodes of the document."""
    env = env or VerifyEnv()
    graph = FlowGraph(document)
    across = Across(env, graph)
    tariff = _Tariff(env.prices or Prices(), env.template_facts or ())
    calls = _summaries(across, tariff)
    own: dict[str, _Through] = {}
    for node_id in {node_id for way in ways for node_id in way}:
        node = graph.nodes[node_id]
        least, most = tariff.node(node)
        partial = False
        for enters in node.enters:
            entered = across.flow(enters.flow)
            found = calls(entered) if entered is not None else _Through(Spent())
            partial = partial or entered is None or found.partial
            least = least.plus(found.least if enters.call else found.stop)
            most = most.plus(found.most)
        own[node_id] = _Through(least, least, most, partial)
    return [_of_way(way, graph, own) for way in ways]


def _of_way(way: Sequence[str], graph: FlowGraph, own: dict[str, _Through]) -> CostRange:
    least, most = Spent(), Spent()
    for node_id in way:
        least, most = least.plus(own[node_id].least), most.plus(own[node_id].most)
    top = {field: None if math.isinf(v := getattr(most, field)) else round(v) for field in FIELDS}
    return CostRange(
        node_id=way[0] if way else None,
        kind=graph.nodes[way[0]].name if way else "all",
        least_messages=_finite(least.messages),
        most_messages=top["messages"],
        least_billable=_finite(least.billable),
        most_billable=top["billable"],
        least_price=_finite(least.price),
        most_price=top["price"],
        partial=any(own[node_id].partial for node_id in way),
    )


def _overall(entries: list[CostRange]) -> CostRange:
    def least(field: str) -> int:
        return min((getattr(entry, field) for entry in entries), default=0)

    def most(field: str) -> int | None:
        found = [getattr(entry, field) for entry in entries]
        return None if None in found else max(found, default=0)

    return CostRange(
        node_id=None,
        kind="all",
        least_messages=least("least_messages"),
        most_messages=most("most_messages"),
        least_billable=least("least_billable"),
        most_billable=most("most_billable"),
        least_price=least("least_price"),
        most_price=most("most_price"),
        partial=any(entry.partial for entry in entries),
    )


class _Tariff:
    """What single messages cost."""

    def __init__(self, prices: Prices, templates: tuple[TemplateFacts, ...]) -> None:
        self.prices = prices
        self.categories: dict[tuple[str, str], str] = {}
        for facts in templates:
            self.categories[facts.name, facts.language] = facts.category
            self.categories.setdefault((facts.name, ""), facts.category)

    def of(self, node: FlowNode, sends: Sends) -> tuple[Spent, Spent]:
        """Least and most of one declared kind of message of a node."""
        if sends.kind != "template":
            price = self.prices.service
            billable = 1 if price else 0
            least = Spent(sends.least, sends.least * billable, sends.least * price)
            return least, Spent(sends.most, sends.most * billable, sends.most * price)
        language = str(getattr(node.config, "language", ""))
        category = self.categories.get((sends.template, language)) or self.categories.get((sends.template, ""))
        price = int(getattr(self.prices, category or "marketing"))
        free = category == "utility" and self.prices.free_utility_in_window
        least = Spent(sends.least, 0 if free else sends.least, 0 if free else sends.least * price)
        return least, Spent(sends.most, sends.most, sends.most * price)

    def node(self, node: FlowNode) -> tuple[Spent, Spent]:
        """Least and most of a visit of a node, the least being that nobody answers."""
        least, most = Spent(), Spent()
        for sends in node.sends:
            low, high = self.of(node, sends)
            least = least.plus(low) if sends.at == "visit" else least
            most = most.plus(high)
        return least, most


@dataclass(frozen=True, slots=True)
class _Through:
    """A flow gone through to its end and back (least), to wherever it may stop (least), and at most."""

    least: Spent = Spent(math.inf, math.inf, math.inf)
    stop: Spent = Spent()
    most: Spent = Spent()
    partial: bool = False


Calls = Callable[[Entered], _Through]
FIELDS: Final = ("messages", "billable", "price")


def _summaries(across: Across, tariff: _Tariff) -> Calls:
    def compute(entered: Entered) -> _Through:
        return _Costs(entered.graph, entered.entry, across, tariff, summary).through()

    # A flow that enters itself can do so for ever.
    endless = Spent(math.inf, math.inf, math.inf)
    summary = memoised(compute, _Through(most=endless))
    return summary


def _range(graph: FlowGraph, entry: str, across: Across, tariff: _Tariff, calls: Calls) -> CostRange:
    found = _Costs(graph, entry, across, tariff, calls).through()
    most = [None if math.isinf(v) else round(v) for v in (getattr(found.most, f) for f in FIELDS)]
    return CostRange(
        node_id=entry,
        kind=graph.nodes[entry].name,
        least_messages=_finite(found.stop.messages),
        most_messages=most[0],
        least_billable=_finite(found.stop.billable),
        most_billable=most[1],
        least_price=_finite(found.stop.price),
        most_price=most[2],
        partial=found.partial,
    )


def _finite(value: float) -> int:
    """A least figure; a flow that never stops has none."""
    return 0 if math.isinf(value) else round(value)


class _Costs:
    """Shortest and longest ways from one entry."""

    def __init__(self, graph: FlowGraph, entry: str, across: Across, tariff: _Tariff, calls: Calls) -> None:
        self.graph = graph
        self.entry = entry
        self.order = graph.reached_from(entry)
        self.partial = False
        self.own = {n: tariff.node(graph.nodes[n]) for n in self.order}
        self.called: dict[str, list[tuple[_Through, bool]]] = {}
        for node_id in self.order:
            for enters in graph.nodes[node_id].enters:
                entered = across.flow(enters.flow)
                found = calls(entered) if entered is not None else _Through(Spent())
                self.partial = self.partial or entered is None or found.partial
                self.called.setdefault(node_id, []).append((found, enters.call))

    def through(self) -> _Through:
        """The whole."""
        least = {field: self._least(field, stops=False) for field in FIELDS}
        stop = {field: self._least(field, stops=True) for field in FIELDS}
        most = {field: self._most(field) for field in FIELDS}
        return _Through(Spent(**least), Spent(**stop), Spent(**most), self.partial)

    def _leg(self, leg: Leg, field: str) -> float:
        """What a leg costs at least beyond its node."""
        if leg.port != "next":
            return 0.0
        return float(sum(getattr(found.least, field) for found, call in self.called.get(leg.source, ()) if call))

    def _least(self, field: str, *, stops: bool) -> float:
        """The cheapest way to an end; with ``stops`` also to a wait at which the contact stays silent."""
        best = {self.entry: 0.0}
        heap: list[tuple[float, int, str]] = [(0.0, 0, self.entry)]
        rank = {n: i for i, n in enumerate(self.order)}
        cheapest = math.inf
        while heap:
            spent, _, node_id = heapq.heappop(heap)
            if spent > best[node_id]:
                continue
            if spent >= cheapest:
                break
            node = self.graph.nodes[node_id]
            here = spent + float(getattr(self.own[node_id][0], field))
            gone = [
                getattr(f.stop if stops else f.least, field) for f, call in self.called.get(node_id, ()) if not call
            ]
            if gone:
                cheapest = min(cheapest, here + min(gone))
            quiet = stops and node.waits and "timeout" not in node.wired and not self._certain_to_go_on(node)
            if quiet or self.graph.ends(node) or not node.legs:
                cheapest = min(cheapest, here) if not gone or node.ports else cheapest
            for leg in node.legs:
                reached = here + self._leg(leg, field)
                if reached < best.get(leg.target, math.inf):
                    best[leg.target] = reached
                    heapq.heappush(heap, (reached, rank[leg.target], leg.target))
        return cheapest

    @staticmethod
    def _certain_to_go_on(node: FlowNode) -> bool:
        """A delay: nobody needs to answer."""
        return all(leg.pause.kind == "time" for leg in node.legs) and bool(node.legs)

    def _most(self, field: str) -> float:
        """The dearest way; infinite when a circle costs anything."""
        legs = {n: self.graph.nodes[n].legs for n in self.order}
        weight = {
            n: float(getattr(self.own[n][1], field))
            + sum(float(getattr(found.most, field)) for found, _call in self.called.get(n, ()))
            for n in self.order
        }
        dearest: dict[int, float] = {}
        of: dict[str, int] = {}
        total = 0.0
        for index, component in enumerate(components(self.order, lambda n: (leg.target for leg in legs[n]))):
            for node_id in component:
                of[node_id] = index
            after = max(
                (dearest[of[leg.target]] for n in component for leg in legs[n] if of[leg.target] != index), default=0.0
            )
            circle = len(component) > 1 or any(leg.target == component[0] for leg in legs[component[0]])
            inside = sum(weight[n] for n in component)
            dearest[index] = (math.inf if circle and inside > 0 else inside) + after
            if self.entry in component:
                total = dearest[index]
        return total


def check_cost(graph: FlowGraph, across: Across, env: VerifyEnv, report: Report) -> None:
    """What a conversation costs, when prices are known; a warning where templates repeat without bound."""
    if env.prices is None or not graph.entries:
        return
    found = costs(graph, across, env.prices, env.template_facts or ())
    params: dict[str, Any] = {
        "currency": found.currency,
        "least": f"{found.overall.least_price / MILLION:.4f}",
        "count": found.overall.least_billable,
    }
    if found.overall.unbounded:
        first = next((e.node_id for e in found.entries if e.unbounded), None)
        report.add("cost_unbounded", "warning", first, params=params)
    elif found.overall.most_price:
        params |= {"most": f"{found.overall.most_price / MILLION:.4f}", "most_count": found.overall.most_billable or 0}
        report.add("cost_range", "info", params=params)
