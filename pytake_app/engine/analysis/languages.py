"""Languages of a flow: what is missing or outdated, what a translation shows that the text doesn't, limits in each."""

from __future__ import annotations

from pytake_app.engine.analysis.graph import FlowGraph, FlowNode
from pytake_app.engine.analysis.report import Report
from pytake_app.engine.document import NodeTexts
from pytake_app.engine.findings import Finding
from pytake_app.engine.translation import State, TextPlace, placeholders, state_of, texts_of, translated
from pytake_app.engine.verify_nodes import check_node


def check_languages(graph: FlowGraph, report: Report) -> None:
    """Findings about translations. What is missing is told once a language, not once a text."""
    document = graph.document
    if not document.translations:
        return
    own = document.settings.locale
    nodes = [node for node in graph.nodes.values() if node.type is not None and node.id in graph.live]
    places = {node.id: texts_of(node.name, node.node.config) for node in nodes}
    for locale, given in document.translations.items():
        if locale == own:
            report.add("translation_of_own", "warning", language=locale, params={"language": locale})
            continue
        _gaps(places, given, locale, report)
        for node in nodes:
            texts = given.get(node.id)
            if texts:
                _placeholders(node.id, places[node.id], texts, locale, report)
                _limits(graph, node, texts, locale, report)


def _gaps(places: dict[str, list[TextPlace]], given: dict[str, NodeTexts], locale: str, report: Report) -> None:
    gaps: dict[State, list[str]] = {"missing": [], "outdated": [], "done": []}
    for node_id, texts in places.items():
        for place in texts:
            state = state_of(place, given.get(node_id, {}))
            if place.wanted or state == "outdated":
                gaps[state].append(node_id)
    if missing := gaps["missing"]:
        told: dict[str, str | int] = {"language": locale, "count": len(missing)}
        report.add("translation_missing", "warning", missing[0], language=locale, params=told)
    if outdated := gaps["outdated"]:
        told = {"language": locale, "count": len(outdated)}
        report.add("translation_outdated", "warning", outdated[0], language=locale, params=told)


def _placeholders(node_id: str, places: list[TextPlace], texts: NodeTexts, locale: str, report: Report) -> None:
    for place in places:
        translation = texts.get(place.pointer)
        if translation is None or not translation.text.strip():
            continue
        ours, theirs = placeholders(place.text), placeholders(translation.text)
        params: dict[str, str | int] = {"language": locale}
        if ours - theirs:
            params["names"] = ", ".join(sorted(ours - theirs))[:120]
            report.add("translation_drops", "warning", node_id, language=locale, params=dict(params))
        if theirs - ours:
            params["names"] = ", ".join(sorted(theirs - ours))[:120]
            report.add("translation_adds", "warning", node_id, language=locale, params=params)


def _limits(graph: FlowGraph, node: FlowNode, texts: NodeTexts, locale: str, report: Report) -> None:
    """What the node's own checks say of it in this language and don't say of it as it was written."""
    if node.type is None:
        return
    before: list[Finding] = []
    after: list[Finding] = []
    check_node(node.id, node.type, node.node.config, graph.texts, before)
    check_node(node.id, node.type, translated(node.name, node.node.config, texts), graph.texts, after)
    known = {(f.code, f.pointer, f.port) for f in before}
    report.findings += [
        f.model_copy(update={"language": locale}) for f in after if (f.code, f.pointer, f.port) not in known
    ]
