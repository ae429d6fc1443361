"""References: what a flow names of its organization must be there. Unknown sets claim nothing."""

from __future__ import annotations

from pytake_app.engine.analysis.graph import FlowGraph
from pytake_app.engine.analysis.report import Report
from pytake_app.engine.findings import TemplateFacts, VerifyEnv
from pytake_app.engine.nodes.facts import Refers

Params = dict[str, str | int]


def check_references(graph: FlowGraph, env: VerifyEnv, report: Report) -> None:
    """Findings about flows, templates, queues, agents, departments, tags, fields, secrets, calendars, events."""
    templates: dict[str, list[TemplateFacts]] = {}
    for facts in env.template_facts or ():
        templates.setdefault(facts.name, []).append(facts)
    for node in graph.nodes.values():
        if node.type is None or node.config is None:
            continue
        refers = node.type.refers(node.config)
        for reference in refers:
            if reference.kind == "template":
                _template(node.id, reference, env, templates, report)
            else:
                _plain(node.id, reference, env, report)
        if node.name == "action_transfer_to_queue" and not any(r.pointer == "/queue_id" for r in refers):
            report.add("no_queue", "warning", node.id, pointer="/queue_id")


def _plain(node_id: str, reference: Refers, env: VerifyEnv, report: Report) -> None:
    named = {name for name in reference.names if name}
    if not named:
        return
    first = next(name for name in reference.names if name)[:80]
    more = {"pointer": reference.pointer}
    severity, kind = reference.severity, reference.kind
    if kind == "flow":
        if env.flows is not None and not named & (env.flows | {env.flow_id}):
            report.add("missing_flow", severity, node_id, params={"flow": first}, **more)
    elif kind == "queue" and _absent(named, env.queues):
        report.add("missing_queue", severity, node_id, params={"queue": first}, **more)
    elif kind == "agent" and _absent(named, env.agents):
        report.add("missing_agent", severity, node_id, params={"name": first}, **more)
    elif kind == "department" and _absent(named, env.departments):
        report.add("missing_department", severity, node_id, params={"name": first}, **more)
    elif kind == "tag" and _absent(named, env.tags):
        report.add("missing_tag", severity, node_id, params={"name": first}, **more)
    elif kind == "field" and _absent(named, env.fields):
        report.add("missing_field", severity, node_id, params={"name": first}, **more)
    elif kind == "secret" and _absent(named, env.secrets):
        report.add("missing_secret", severity, node_id, params={"name": first}, **more)
    elif kind == "calendar" and _absent(named, env.calendars):
        report.add("missing_calendar", severity, node_id, params={"name": first}, **more)
    elif kind == "event" and _absent(named, env.events):
        report.add("missing_event", severity, node_id, params={"name": first}, **more)


def _absent(named: set[str], known: frozenset[str] | None) -> bool:
    return known is not None and not named & known


def _template(
    node_id: str, reference: Refers, env: VerifyEnv, templates: dict[str, list[TemplateFacts]], report: Report
) -> None:
    name, language = reference.names[0], reference.language
    more = {"pointer": reference.pointer}
    params: Params = {"template": name[:80]}
    if not name:
        return
    if env.template_facts is None:
        if env.templates is not None and not {name, f"{name}:{language}"} & env.templates:
            report.add("missing_template", reference.severity, node_id, params=params, **more)
        return
    known = templates.get(name, [])
    if not known:
        report.add("missing_template", reference.severity, node_id, params=params, **more)
        return
    if not language:
        return
    here = next((facts for facts in known if facts.language == language), None)
    if here is None:
        languages = ", ".join(sorted({facts.language for facts in known}))
        told: Params = {**params, "language": language[:12], "languages": languages[:80]}
        usable = [f.language for f in known if f.status.upper() == "APPROVED"]
        mend = "use_language" if len(set(usable)) == 1 else None
        operations = [_patch(node_id, "language", usable[0])] if mend else []
        report.add(
            "template_language", "error", node_id, pointer="/language", params=told, mend=mend, operations=operations
        )
        return
    if here.status.upper() != "APPROVED":
        told = {**params, "status": here.status[:40]}
        report.add("template_not_approved", "error", node_id, params=told, **more)
    given = reference.variables
    if here.variables is not None and given is not None and here.variables != given:
        told = {**params, "count": given, "expected": here.variables}
        report.add("template_variables", "error", node_id, pointer="/body", params=told)


def _patch(node_id: str, name: str, value: str) -> dict[str, object]:
    return {"op": "update_config", "id": node_id, "patch": {name: value}}
