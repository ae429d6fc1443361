"""References: what a flow names of its organization must be there. Unknown sets claim nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Any, Final

from pytake_app.engine.analysis.graph import FlowGraph, FlowNode
from pytake_app.engine.analysis.report import Report
from pytake_app.engine.findings import Creates, TemplateFacts, VerifyEnv
from pytake_app.engine.nodes.actions import CONTACT_FIELDS, FIXED_FIELDS
from pytake_app.engine.nodes.facts import Refers
from pytake_app.engine.nodes.logic import HoursConfig
from pytake_app.engine.nodes.menus import TemplateConfig
from pytake_app.engine.textmatch import fold

Params = dict[str, str | int]

DEFAULT_CALENDAR: Final = "default"
"""Stands among ``VerifyEnv.calendars`` while the organization's own calendar says when it is open."""
CLOSE: Final = 0.75
"""How alike two names must be (difflib's ratio) for one to be offered in place of the other."""
MAX_COMPARED: Final = 500
OWN_FIELDS: Final = FIXED_FIELDS | set(CONTACT_FIELDS) | {"size"}
"""What expressions find on every contact."""
_ID: Final = re.compile(r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-")
_KEY: Final = re.compile(r"^[a-z][a-z0-9_]{0,63}$")


def check_references(graph: FlowGraph, env: VerifyEnv, report: Report) -> None:
    """Findings about flows, templates, queues, agents, departments, tags, fields, secrets, calendars, events."""
    templates: dict[str, list[TemplateFacts]] = {}
    for facts in env.template_facts or ():
        templates.setdefault(facts.name, []).append(facts)
    known = _Known(env)
    kept = _fields_written(graph)
    for node in graph.nodes.values():
        if node.type is None or node.config is None:
            continue
        refers = node.type.refers(node.config)
        for reference in refers:
            if reference.kind == "template":
                _template(node.id, reference, env, templates, report)
                if isinstance(node.config, TemplateConfig):
                    _parts(node.id, reference, node.config, templates, report)
            else:
                _plain(node.id, reference, env, known, report)
        if node.name == "action_transfer_to_queue" and not any(r.pointer == "/queue_id" for r in refers):
            _no_queue(node.id, env, report)
        if node.id in graph.live:
            _contact_fields(node, env, kept, report)
        own_hours = isinstance(node.config, HoursConfig) and node.config.calendar == "organization"
        if own_hours and env.calendars is not None and DEFAULT_CALENDAR not in env.calendars:
            report.add("no_business_hours", "warning", node.id, pointer="/calendar")


def _fields_written(graph: FlowGraph) -> set[str]:
    """Fields of the contact that the flow itself sets."""
    return {
        name
        for node in graph.nodes.values()
        if node.type is not None and node.config is not None
        for reference in node.type.refers(node.config)
        if reference.kind == "field"
        for name in reference.names
    }


def _contact_fields(node: FlowNode, env: VerifyEnv, written: set[str], report: Report) -> None:
    """Fields of the contact that texts show and nobody has: they would be empty."""
    if env.fields is None:
        return
    for name, pointer in node.check.contact.items():
        if name in OWN_FIELDS or name in env.fields or name in written:
            continue
        report.add("unknown_contact_field", "warning", node.id, pointer=pointer, params={"name": name[:80]})


class _Known:
    """What is known of a kind, folded once: people write names with and without accents."""

    def __init__(self, env: VerifyEnv) -> None:
        self._env = env
        self._folded: dict[str, frozenset[str]] = {}

    def absent(self, kind: str, named: Iterable[str], *, exact: bool = False) -> bool:
        """Is none of the names known? Unknown sets know everything."""
        known: frozenset[str] | None = getattr(self._env, f"{kind}s")
        if known is None:
            return False
        if any(name in known for name in named):
            return False
        if exact:
            return True
        if kind not in self._folded:
            self._folded[kind] = frozenset(fold(name) for name in known)
        return not any(fold(name) in self._folded[kind] for name in named)

    def closest(self, kind: str, name: str) -> str | None:
        """A known name that is nearly this one."""
        known: frozenset[str] = getattr(self._env, f"{kind}s") or frozenset()
        return closest(name, (n for n in known if not _ID.match(n)))


def closest(name: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that is nearly ``name``, the same at every call."""
    by_fold = {fold(one): one for one in sorted(known)[:MAX_COMPARED]}
    found = get_close_matches(fold(name), by_fold, n=1, cutoff=CLOSE)
    return by_fold[found[0]] if found else None


def _no_queue(node_id: str, env: VerifyEnv, report: Report) -> None:
    more: dict[str, Any] = {"pointer": "/queue_id"}
    if env.default_queue is not None:
        queue_id, name = env.default_queue
        more["mend"] = "use_default_queue"
        more["operations"] = [_patch(node_id, {"queue_id": queue_id, "queue_name": name})]
    report.add("no_queue", "warning", node_id, **more)


def _plain(node_id: str, reference: Refers, env: VerifyEnv, known: _Known, report: Report) -> None:
    named = [name for name in reference.names if name]
    if not named:
        return
    first = named[0]
    params: Params = {"name": first[:80]}
    more: dict[str, Any] = {"pointer": reference.pointer, "params": params}
    severity, kind = reference.severity, reference.kind
    if kind == "flow":
        if env.flows is not None and not set(named) & (env.flows | {env.flow_id}):
            more["params"] = {"flow": first[:80]}
            report.add("missing_flow", severity, node_id, **more)
        return
    if not known.absent(kind, named, exact=kind in ("tag", "field", "secret")):
        return
    if kind == "queue":
        _offer(more, params, known.closest("queue", first), Creates(kind="queue", name=first[:120]), _is_name(first))
        more["params"] = {"queue": first[:80], **{k: v for k, v in params.items() if k == "closest"}}
        report.add("missing_queue", severity, node_id, **more)
    elif kind == "agent":
        report.add("missing_agent", severity, node_id, **more)
    elif kind == "department":
        creates = Creates(kind="department", name=first[:120])
        _offer(more, params, known.closest("department", first), creates, _is_name(first))
        report.add("missing_department", severity, node_id, **more)
    elif kind == "tag":
        _offer(more, params, None, Creates(kind="tag", name=first[:60]), True)
        report.add("missing_tag", severity, node_id, **more)
    elif kind == "field":
        _offer(more, params, known.closest("field", first), Creates(kind="field", name=first), bool(_KEY.match(first)))
        report.add("missing_field", severity, node_id, **more)
    elif kind == "secret":
        report.add("missing_secret", severity, node_id, **more)
    elif kind == "calendar":
        close = known.closest("calendar", first)
        if close is not None:
            more |= {"params": {**params, "closest": close[:80]}, "mend": "use_closest"}
        report.add("missing_calendar", severity, node_id, **more)
    elif kind == "event":
        report.add("missing_event", severity, node_id, **more)


def _offer(more: dict[str, Any], params: Params, close: str | None, creates: Creates, possible: bool) -> None:
    """A mend: the name that was probably meant, else making what is named."""
    if close is not None:
        params["closest"] = close[:80]
        more["mend"] = "use_closest"
    elif possible:
        more |= {"mend": f"create_{creates.kind}", "creates": creates}


def _is_name(text: str) -> bool:
    return not _ID.match(text)


def _template(
    node_id: str, reference: Refers, env: VerifyEnv, templates: dict[str, list[TemplateFacts]], report: Report
) -> None:
    name, language = reference.names[0], reference.language
    more: dict[str, Any] = {"pointer": reference.pointer}
    params: Params = {"template": name[:80]}
    if not name:
        return
    if env.template_facts is None:
        if env.templates is not None and not {name, f"{name}:{language}"} & env.templates:
            report.add("missing_template", reference.severity, node_id, params=params, **more)
        return
    known = templates.get(name, [])
    if not known:
        close = closest(name, (n for n, every in templates.items() if _sendable(every, language)))
        if close is not None:
            params["closest"] = close[:80]
            more["mend"] = "use_closest"
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
        operations = [_patch(node_id, {"language": usable[0]})] if mend else []
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
        mend = "fit_variables" if given > here.variables else None
        report.add("template_variables", "error", node_id, pointer="/body", params=told, mend=mend)


def _parts(
    node_id: str, reference: Refers, config: TemplateConfig, templates: dict[str, list[TemplateFacts]], report: Report
) -> None:
    """Values go by the placeholders' names and the buttons' places: Meta refuses a template whose parts don't agree."""
    known = templates.get(reference.names[0], [])
    here = next((facts for facts in known if facts.language == reference.language), None)
    if here is None or here.buttons is None or here.variables not in (None, reference.variables):
        return
    patch: dict[str, Any] = {}
    if set(here.placeholders) != set(reference.placeholders):
        patch["body_names"] = list(here.placeholders)
    if config.header_type == "text" and here.header_placeholder != reference.header:
        patch["header_name"] = here.header_placeholder
    places = [place for place, kind in enumerate(here.buttons) if kind == "reply"]
    if set(reference.replies) - set(places) and len(places) >= len(config.buttons):
        patch["buttons"] = [
            {**button.model_dump(), "place": place} for button, place in zip(config.buttons, places, strict=False)
        ]
    links = [place for place, kind in enumerate(here.buttons) if kind == "link"]
    if reference.link is not None and links and reference.link not in links:
        patch["url_place"] = links[0]
    if patch:
        report.add(
            "template_parts", "error", node_id, pointer=reference.pointer, params={"template": here.name[:80]},
            mend="fit_template", operations=[_patch(node_id, patch)],
        )  # fmt: skip


def _sendable(every: Collection[TemplateFacts], language: str) -> bool:
    return any(facts.status.upper() == "APPROVED" and language in ("", facts.language) for facts in every)


def _patch(node_id: str, patch: dict[str, object]) -> dict[str, object]:
    return {"op": "update_config", "id": node_id, "patch": patch}
