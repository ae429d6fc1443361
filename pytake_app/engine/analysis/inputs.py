"""Inputs that may lead out of a waiting node by a given port, best first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from pytake_app.engine.analysis.graph import FlowNode
from pytake_app.engine.analysis.wishes import NONSENSE, Wishes, distinct
from pytake_app.engine.requests import AiResult, HttpResult
from pytake_app.engine.session import (
    DelayResume,
    HandoffResume,
    InboundInput,
    InboundLocation,
    InboundMedia,
    MessageResume,
    RequestResume,
    Resume,
    TimeoutResume,
    Wait,
)

InputKind = Literal[
    "text", "selection", "media", "location", "form", "timeout", "delay", "transferred", "closed", "http", "ai"
]
USUAL: Final[dict[str, tuple[str, ...]]] = {
    "text": ("ok", "Maria Souza", "a", "uma resposta mais longa, de algumas palavras"),
    "number": ("10", "1", "100", "2,5", "0"),
    "integer": ("10", "1", "100", "0"),
    "email": ("maria@example.com",),
    "phone": ("11 98765-4321",),
    "date": ("25/12/2026",),
    "time": ("14:30",),
    "cpf": ("529.982.247-25",),
    "cnpj": ("11.222.333/0001-81",),
    "cep": ("01310-100",),
    "url": ("https://example.com",),
    "regex": ("123", "abc", "ABC1234", "12345", "a1"),
}
"""Valid answers by kind of question."""


class TestInput(BaseModel):
    """One thing that happens: what the contact sends, a timer that is due (``timeout``, ``delay``), people
    (``transferred``, ``closed``), or an answer from outside (``http``, ``ai``). ``after_minutes``: since
    the input before."""

    model_config = ConfigDict(frozen=True)
    __test__ = False

    type: InputKind
    text: str = ""
    selection_id: str | None = None
    form: dict[str, JsonValue] | None = None
    failed: bool = False
    after_minutes: int = 1
    again: bool = False
    """It may have to be given more than once (an answer that is refused)."""


def resume_of(given: TestInput, wait: Wait) -> Resume:
    """The engine's resume for an input."""
    if given.type == "timeout" and wait.kind == "handoff":
        return HandoffResume(wait_id=wait.id, result="timeout")
    if given.type == "timeout":
        return TimeoutResume(wait_id=wait.id)
    if given.type == "delay":
        return DelayResume(wait_id=wait.id)
    if given.type in ("transferred", "closed"):
        return HandoffResume(wait_id=wait.id, result="closed" if given.type == "closed" else "transferred")
    if given.type == "http":
        failed = HttpResult(error="timeout")
        return RequestResume(
            request_id=wait.id, result=failed if given.failed else HttpResult(status=200, text=given.text)
        )
    if given.type == "ai":
        answer = AiResult(error="timeout") if given.failed else AiResult(text=given.text)
        return RequestResume(request_id=wait.id, result=answer)
    return MessageResume(message=message_of(given))


def message_of(given: TestInput) -> InboundInput:
    """The inbound message for an input of the contact."""
    if given.type == "selection":
        return InboundInput(type="interactive", text=given.text, selection_id=given.selection_id)
    if given.type == "media":
        media = InboundMedia(id="media-1", kind="image", mime_type="image/jpeg", url="https://example.com/photo.jpg")
        return InboundInput(type="image", text=given.text, media=media)
    if given.type == "location":
        return InboundInput(type="location", location=InboundLocation(latitude=-23.5505, longitude=-46.6333))
    if given.type == "form":
        return InboundInput(type="form", form=given.form or {})
    return InboundInput(text=given.text)


def inputs_for(node: FlowNode, port: str, wishes: Wishes) -> Iterator[TestInput]:
    """Inputs that may take a session that waits at ``node`` out by ``port``."""
    kind = next((leg.pause.kind for leg in node.legs if leg.port == port), None)
    if kind is None and node.type is not None and node.config is not None:
        kind = node.type.pause_of(node.config, port, frozenset(node.wired)).kind
    if kind == "time":
        yield TestInput(type="delay")
        yield TestInput(type="timeout")
    elif kind == "person":
        yield TestInput(type="transferred" if port == "transferred" else "closed" if port == "closed" else "timeout")
    elif kind == "outside" or port in ("error", "incomplete"):
        yield from _outside(node, port, wishes)
        yield from _answers(node, port, wishes)
    else:
        yield from _answers(node, port, wishes)


def _outside(node: FlowNode, port: str, wishes: Wishes) -> Iterator[TestInput]:
    config: Any = node.config
    if port == "error":
        yield TestInput(type="http", failed=True)
        yield TestInput(type="ai", failed=True)
        return
    values: dict[str, JsonValue] = {}
    for write in node.writes:
        wished = wishes.values(write.name)
        values[write.name] = wished[0] if wished else "1"
    mapped: dict[str, JsonValue] = {}
    for row in getattr(config, "mapping", ()):
        name = str(row.path).removeprefix("$").strip(".")
        if name.isidentifier():
            mapped[name] = values.get(row.name, "1")
    yield TestInput(type="http", text=json.dumps(mapped))
    key = port.partition(":")[2]
    for text in (key, json.dumps({"intent": key})) if key else ():
        yield TestInput(type="ai", text=text)
    fields = {f.name: values.get(f.name, "1") for f in getattr(config, "fields", ()) if hasattr(f, "name")}
    if port != "incomplete":
        for usual in ("1", "2026-12-25", "maria@example.com", "14:30", "11 98765-4321"):
            yield TestInput(type="ai", text=json.dumps({n: v if v != "1" else usual for n, v in fields.items()}))
        mixed = {f.name: USUAL.get(str(getattr(f, "kind", "text")), ("ok",))[0] for f in getattr(config, "fields", ())}
        yield TestInput(type="ai", text=json.dumps(mixed))
    yield TestInput(type="ai", text="{}")
    yield TestInput(type="ai", text=str(next(iter(values.values()), "ok")))
    yield TestInput(type="ai", text=json.dumps({"intent": "other"}))


def _answers(node: FlowNode, port: str, wishes: Wishes) -> Iterator[TestInput]:
    config: Any = node.config
    if port.startswith("option:"):
        yield TestInput(type="selection", selection_id=port.removeprefix("option:"))
        return
    if port == "received":
        yield TestInput(type="location")
        return
    if port == "submitted":
        wished = {w.name: (wishes.values(w.name) or ["ok"])[0] for w in node.writes}
        yield TestInput(type="form", form={**wished, "answer": "ok"})
        return
    names = [write.name for write in node.writes]
    wanted = [str(v) for name in (*names, "message.text", "user_message") for v in wishes.values(name)]
    if port == "invalid":
        for text in (NONSENSE, "", "x" * 3000):
            yield TestInput(type="text", text=text, again=True)
        yield TestInput(type="media", again=True)
        return
    kind = str(getattr(config, "kind", "text"))
    if kind == "file":
        yield TestInput(type="media")
    elif kind == "location":
        yield TestInput(type="location")
    usual = USUAL.get(kind, USUAL["text"]) if port in ("answered", "replied") else (NONSENSE,)
    texts = distinct([*wanted, *usual[:1], *wishes.texts[:20], *usual[1:], *lengths(config), NONSENSE])
    if port in ("other", "next"):
        texts = distinct([*wanted, *wishes.texts[:20], NONSENSE])
    for text in texts:
        if text:
            yield TestInput(type="text", text=text)


def lengths(config: Any) -> list[str]:
    """Texts (or numbers) at a question's bounds."""
    found: list[str] = []
    for bound in (getattr(config, "minimum", None), getattr(config, "maximum", None)):
        if isinstance(bound, int | float) and abs(bound) < 4_000:
            found += [f"{bound:g}", "a" * max(1, int(bound))]
    return found
