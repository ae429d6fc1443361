"""What a node's function may do during a visit: read, render, send, write, complain."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import JsonValue

from pytake_app.engine.content import Content
from pytake_app.engine.events import (
    ContactFieldSet,
    ContactTagged,
    ErrorRaised,
    Event,
    MessageOut,
    VariableSet,
)
from pytake_app.engine.limits import (
    MAX_MESSAGES_PER_SPRINT,
    MAX_VARIABLE_BYTES,
    MAX_VARIABLES,
    MAX_VARIABLES_BYTES,
)
from pytake_app.engine.scope import Scope
from pytake_app.engine.templating import Template, TemplateFailure

if TYPE_CHECKING:
    from pytake_app.engine.compiled import CompiledFlow, CompiledNode
    from pytake_app.engine.session import RunContext, Session, Wait


class SprintLimit(Exception):
    """A limit of the sprint is reached; the session fails with this code."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def clip(text: str, limit: int) -> str:
    """The beginning of ``text`` of at most ``limit`` characters, with an ellipsis when cut.

    Characters are Unicode code points: so are the platform's limits counted in practice (senders in
    production, such as nyaruka/courier, cut by code points and are accepted)."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


class Visit:
    """One visit of a node. ``failed`` says that a text of this visit could not be rendered."""

    __slots__ = ("ctx", "events", "failed", "flow", "messages", "node", "scope", "session", "size", "strict", "writes")

    def __init__(self, flow: CompiledFlow, session: Session, scope: Scope, ctx: RunContext) -> None:
        self.flow = flow
        self.session = session
        self.scope = scope
        self.ctx = ctx
        self.events: list[Event] = []
        self.messages = 0
        self.size = -1
        self.node: CompiledNode
        self.writes: dict[str, JsonValue] = {}
        self.failed = False
        self.strict = flow.settings.undefined == "error"

    def emit(self, event: Event) -> None:
        """Say that something happened."""
        self.events.append(event)

    def begin(self, node: CompiledNode) -> None:
        """Turn to the next node."""
        self.node = node
        self.failed = False
        self.writes = {}
        self.scope.reads = {}

    def draw(self) -> int:
        """How often this node has drawn before in the session; counts this time."""
        before = self.session.draws.get(self.node.id, 0)
        self.session.draws[self.node.id] = before + 1
        return before

    @property
    def now(self) -> datetime:
        """The sprint's moment, aware UTC."""
        return self.ctx.now

    @property
    def wait(self) -> Wait | None:
        """The wait that is being resumed, if any."""
        return self.session.wait

    @property
    def language(self) -> str:
        """The contact's language as of now."""
        changed = self.scope.contact_changes.get("language")
        return changed if isinstance(changed, str) else self.ctx.contact.language

    @property
    def text_in(self) -> str:
        """The last inbound text."""
        last = self.session.last_input
        return last.text if last else ""

    @property
    def selection(self) -> str | None:
        """The last inbound selection id."""
        last = self.session.last_input
        return last.selection_id if last else None

    def choose(self, option: str) -> None:
        """Note which option the answer meant: typed answers select as pressed ones do."""
        self.session.last_selection = option
        if self.session.last_input is not None:
            self.session.last_input.selection_id = option
        self.scope.forget("message")

    def has(self, port: str) -> bool:
        """Is anything connected to this port?"""
        return port in self.node.edges

    def minutes_from_now(self, minutes: float) -> datetime:
        """The moment so many minutes ahead."""
        return self.ctx.now + timedelta(minutes=minutes)

    def error(self, code: str, message: str) -> None:
        """Say that something went wrong here."""
        self.events.append(ErrorRaised(node_id=self.node.id, code=code, message=message))

    def text(self, template: Template) -> str:
        """Render a text. A failure is an error event and marks the visit as failed; what can be
        rendered without the failing variable still is, else the text is empty."""
        if template.literal is not None:
            return template.literal
        try:
            return template.render(self.scope, strict=self.strict)
        except TemplateFailure as failure:
            self._failure(failure)
            if failure.code != "undefined_variable":
                return ""
        try:
            return template.render(self.scope, strict=False)
        except TemplateFailure:
            return ""

    def value(self, template: Template) -> JsonValue:
        """Evaluate a text: the value of a single expression, else the rendered text. Failures as in
        :meth:`text`, giving None."""
        try:
            return template.evaluate(self.scope, strict=self.strict)
        except TemplateFailure as failure:
            self._failure(failure)
            return None

    def _failure(self, failure: TemplateFailure) -> None:
        self.failed = True
        self.error(failure.code, str(failure))

    def clipped(self, template: Template, limit: int) -> str:
        """Render a text, cut to the channel's limit with an error event if it is longer."""
        text = self.text(template)
        if len(text) > limit:
            self.error("truncated_text", f"text longer than {limit} characters was cut")
            return clip(text, limit)
        return text

    def send(self, content: Content) -> None:
        """Send a message. Raises SprintLimit when a sprint sends too many."""
        self.messages += 1
        if self.messages > MAX_MESSAGES_PER_SPRINT:
            raise SprintLimit("message_limit", f"more than {MAX_MESSAGES_PER_SPRINT} messages in one sprint")
        self.events.append(MessageOut(node_id=self.node.id, content=content))

    def set_variable(self, name: str, value: JsonValue) -> None:
        """Write a session variable; over a size limit it is an error event and nothing is written."""
        variables = self.session.variables
        size = value_size(value)
        if self.size < 0:
            self.size = sum(map(value_size, variables.values()))
        total = self.size + size - (value_size(variables[name]) if name in variables else 0)
        too_many = name not in variables and len(variables) >= MAX_VARIABLES
        if too_many or size > MAX_VARIABLE_BYTES or total > MAX_VARIABLES_BYTES:
            self.failed = True
            self.error("variable_limit", f"variable {name!r} is too large or there are too many")
            return
        self.size = total
        variables[name] = value
        self.writes[name] = value
        self.events.append(VariableSet(node_id=self.node.id, name=name, value=value))

    def use_variables(self, variables: dict[str, JsonValue]) -> None:
        """From now on the session has these variables."""
        self.scope.replace_variables(variables)
        self.size = -1

    def set_contact(self, field: str, value: JsonValue) -> None:
        """Set a field of the contact."""
        self.scope.contact_changes[field] = value
        self.scope.forget("contact")
        if field == "language":
            self.flow = self.flow.spoken(self.language)
        self.writes[f"contact.{field}"] = value
        self.events.append(ContactFieldSet(node_id=self.node.id, field=field, value=value))

    def tag_contact(self, tag: str, *, removed: bool) -> None:
        """Add or take off a tag."""
        self.writes[f"contact.tags.{'-' if removed else '+'}{tag}"] = True
        self.events.append(ContactTagged(node_id=self.node.id, tag=tag, removed=removed))


def value_size(value: JsonValue) -> int:
    """Bytes of a value as JSON, near enough and cheap for the common kinds."""
    if isinstance(value, str):
        return len(value) + 2 if value.isascii() else len(value.encode()) + 2
    if value is None or isinstance(value, bool | int | float):
        return 8
    return len(json.dumps(value, ensure_ascii=False).encode())
