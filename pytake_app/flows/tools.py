"""The editor's tools: what a block would do, tried while it is being edited. Nothing is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

from pydantic import JsonValue, ValidationError
from sqlmodel import Session

from pytake_app.accounts import service as accounts
from pytake_app.core.clock import Clock
from pytake_app.core.crypto import SecretBox
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.tenancy import Permission, Principal, Role
from pytake_app.engine import runner
from pytake_app.engine import session as engine
from pytake_app.engine.classifier import train
from pytake_app.engine.document import Edge, FlowDocument, Node
from pytake_app.engine.events import ErrorRaised, RequestMade
from pytake_app.engine.jsonpath import select
from pytake_app.engine.nodes.outside import ApiCallConfig
from pytake_app.engine.requests import HttpRequest, HttpResult, Part
from pytake_app.engine.schedule import next_due, valid_cron
from pytake_app.engine.scope import Scope, timezone
from pytake_app.engine.templating import Template, TemplateFailure
from pytake_app.flows import repository
from pytake_app.flows.tool_schemas import (
    MAX_SAMPLE,
    ClassifyResult,
    ClassifyTest,
    ExpressionResult,
    ExpressionTest,
    IntentScore,
    RequestTried,
    RequestTry,
    SampleValues,
    ScheduleRuns,
    ScheduleTest,
    SentLine,
    SentRequest,
)
from pytake_app.outgoing import service as outgoing
from pytake_app.outgoing.http import HttpCaller

MASK = "••••••"
TRY_SECONDS = 20.0
"""A person waits: one attempt, and no longer than this."""


class PreparedTry:
    """A request ready to be made, outside any transaction."""

    def __init__(
        self, config: ApiCallConfig, request: HttpRequest | None, secrets: Mapping[str, str], problems: list[str]
    ) -> None:
        self.config = config
        self.request = request
        self.secrets = secrets
        self.problems = problems


def prepare_try(
    session: Session, principal: Principal, box: SecretBox, ref: UUID | str, body: RequestTry, *, clock: Clock
) -> PreparedTry:
    """Build the request that the block would make with these values: the engine itself builds it.

    Raises:
        ForbiddenError: admins only: a try calls the outside with the organization's secrets.
        NotFoundError: no such flow.
        InvalidError: code `invalid_config`, with the fields that don't fit.
    """
    principal.needs(Permission.FLOWS_EDIT)
    repository.find(session, ref)
    try:
        config = ApiCallConfig.model_validate(body.config)
    except ValidationError as error:
        fields = [
            FieldError("/config/" + "/".join(map(str, item["loc"])), item["msg"], item["type"])
            for item in error.errors()
        ]
        raise InvalidError("The block is not complete yet.", code="invalid_config", errors=fields) from None
    place = accounts.organization_of_session(session)
    document = FlowDocument(
        nodes=[Node(id="start", type="start"), Node(id="call", type="api_call", config=body.config)],
        edges=[Edge(id="e", source="start", port="next", target="call")],
    )
    trigger = engine.Trigger(kind="test", params=body.variables, message=_message(body, clock.now()))
    context = _context(body, clock.now(), place.time_zone, place.locale, str(principal.organization_id))
    sprint = runner.start(runner.compile_flow(document, "try", 0), trigger, context)
    made = next((event for event in sprint.events if isinstance(event, RequestMade)), None)
    problems = [event.message for event in sprint.events if isinstance(event, ErrorRaised)]
    request = made.request if made is not None and isinstance(made.request, HttpRequest) else None
    if request is None:
        return PreparedTry(config, None, {}, problems)
    bounded = {"retries": 0, "timeout_seconds": min(request.timeout_seconds, TRY_SECONDS)}
    request = request.model_copy(update=bounded)
    secrets = outgoing.secret_values(session, box, request.secrets(), clock=clock)
    return PreparedTry(config, request, secrets, problems)


async def perform_try(prepared: PreparedTry, caller: HttpCaller) -> RequestTried:
    """Make the request through the guarded client and show what came of it, secrets masked."""
    request = prepared.request
    if request is None:
        config = prepared.config
        empty = SentRequest(method=config.method, url=config.url[:2000])
        return RequestTried(request=empty, error="not_sent", problems=prepared.problems)
    result = await caller.perform(request, prepared.secrets, key=str(uuid4()))
    return _shown(prepared, request, result)


def _shown(prepared: PreparedTry, request: HttpRequest, result: HttpResult) -> RequestTried:
    data: Any = None
    is_json = False
    if result.text.strip():
        try:
            data = json.loads(result.text)
            is_json = True
        except (ValueError, RecursionError):
            is_json = False
    mapped: dict[str, JsonValue] = {}
    missing: list[str] = []
    for row in prepared.config.mapping:
        found, value = select(row.path, data) if is_json else (False, None)
        if found:
            mapped[row.name] = value
        elif row.default:
            mapped[row.name] = row.default
        elif row.name:
            missing.append(row.name)
    truncated = len(result.text) > MAX_SAMPLE
    return RequestTried(
        request=_masked(request),
        status=result.status,
        error=result.error,
        duration_ms=result.duration_ms,
        size=len(result.text.encode()),
        is_json=is_json and not truncated,
        json_body=data if is_json and not truncated else None,
        text="" if is_json and not truncated else result.text[:MAX_SAMPLE],
        truncated=truncated,
        mapped=mapped,
        missing=missing,
        problems=prepared.problems,
    )


def _masked(request: HttpRequest) -> SentRequest:
    headers = [SentLine(name=line.name, value=_text(line.value)) for line in request.headers]
    if request.basic is not None:
        headers.append(SentLine(name="Authorization", value=f"Basic {_text(request.basic.username)}:{MASK}"))
    if request.content_type:
        headers.append(SentLine(name="Content-Type", value=request.content_type))
    return SentRequest(method=request.method, url=request.url, headers=headers, body=_text(request.body)[:20_000])


def _text(parts: list[Part]) -> str:
    return "".join(MASK if part.secret is not None else part.text for part in parts)


def host_of(prepared: PreparedTry) -> str:
    """Scheme and host of the address, for the log: paths and queries may hold what people wrote."""
    if prepared.request is None:
        return ""
    parts = urlsplit(prepared.request.url)
    return urlunsplit((parts.scheme, parts.hostname or "", "", "", ""))


def classify(principal: Principal, body: ClassifyTest) -> ClassifyResult:
    """What the built-in classifier makes of a sentence, trained from the intents as they are being edited."""
    principal.require(Role.AGENT)
    # As the block itself does: an intent's label and id are examples too.
    trained = train([(i.id, [*i.examples, i.label, i.id.replace("_", " ")]) for i in body.intents])
    names = {intent.id: intent.label for intent in body.intents}
    scores = [
        IntentScore(id=name, label=names[name], score=round(score, 4))
        for name, score in zip(trained.intents, trained.scores(body.text), strict=True)
    ]
    best, likeness = trained.classify(body.text)
    return ClassifyResult(
        chosen=best if best is not None and likeness >= body.threshold else None,
        scores=sorted(scores, key=lambda item: -item.score),
    )


def upcoming(session: Session, principal: Principal, body: ScheduleTest, *, clock: Clock) -> ScheduleRuns:
    """The next moments at which a schedule is due."""
    principal.require(Role.AGENT)
    zone = body.timezone.strip() or accounts.organization_of_session(session).time_zone
    known = zone == "UTC" or str(timezone(zone)) != "UTC"
    if not known or not valid_cron(body.cron):
        return ScheduleRuns(valid=False, timezone=zone)
    runs: list[datetime] = []
    moment = clock.now()
    for _ in range(body.count):
        due = next_due(body.cron, zone, moment)
        if due is None:
            break
        runs.append(due)
        moment = due
    return ScheduleRuns(valid=bool(runs), timezone=zone, runs=runs)


def evaluate(session: Session, principal: Principal, body: ExpressionTest, *, clock: Clock) -> ExpressionResult:
    """What a text with expressions gives with these values."""
    principal.require(Role.AGENT)
    place = accounts.organization_of_session(session)
    context = _context(body, clock.now(), place.time_zone, body.locale, str(principal.organization_id))
    message = _message(body, clock.now())
    state = engine.Session(
        id="preview",
        root_flow_id="preview",
        root_version=0,
        flow_id="preview",
        flow_version=0,
        started_at=clock.now(),
        variables=dict(body.variables),
        last_input=engine.LastInput(text=message.text) if message is not None else None,
    )
    scope = Scope(context, state, ("preview", "", 0), body.locale)
    template = Template(body.text)
    try:
        text = template.render(scope, strict=True)
        return ExpressionResult(text=text, value=template.evaluate(scope, strict=True) if template.native else text)
    except TemplateFailure as failure:
        if template.problem is not None:
            return ExpressionResult(error=failure.code, detail=str(failure))
        try:
            text = template.render(scope, strict=False)
        except TemplateFailure:
            text = ""
        return ExpressionResult(text=text, error=failure.code, detail=str(failure))


def _message(values: SampleValues, now: datetime) -> engine.InboundInput | None:
    return engine.InboundInput(type="text", text=values.message, at=now) if values.message else None


_PERSON = ("name", "phone", "email", "language", "lifecycle_stage")


def _context(values: SampleValues, now: datetime, zone: str, locale: str, organization_id: str) -> engine.RunContext:
    person = values.contact
    fields = person.get("fields")
    tags = person.get("tags")
    known = {name: str(person[name]) for name in _PERSON if person.get(name) is not None}
    contact = engine.ContactView(
        id="preview",
        name=known.get("name", ""),
        phone=known.get("phone", ""),
        email=known.get("email", ""),
        language=known.get("language", ""),
        lifecycle_stage=known.get("lifecycle_stage", ""),
        tags=[str(tag) for tag in tags] if isinstance(tags, list) else [],
        fields=dict(fields) if isinstance(fields, dict) else {},
    )
    return engine.RunContext(
        now=now,
        new_id=lambda: str(uuid4()),
        contact=contact,
        org=engine.OrgView(id=organization_id, timezone=zone, locale=locale),
    )
