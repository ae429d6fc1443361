"""Test cases of flows: saved previews, played again and compared. Deterministic: script, clock and ids are given."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session, col

from pytake_app.core.budget import Budget, SpentError
from pytake_app.core.clock import Clock
from pytake_app.core.errors import ConflictError, FieldError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Permission, Principal, Role, scoped
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.events import MessageOut
from pytake_app.flows import preview, repository
from pytake_app.flows.models import Flow, FlowTestCase
from pytake_app.flows.preview_phone import Phone
from pytake_app.flows.preview_schemas import PreviewInput, PreviewScript, PreviewTurn
from pytake_app.flows.schemas import VersionTests
from pytake_app.flows.testcase_files import MAX_CASES
from pytake_app.flows.testcase_schemas import (
    Difference,
    Expectation,
    ExpectedTurn,
    NewTestCase,
    TestCaseResult,
    TestCaseUpdate,
    TestCaseView,
    TestRun,
    TestRunRequest,
)

JsonObject = dict[str, Any]
MAX_DIFFERENCES = 30
CASES_SECONDS = 8.0
"""Processor time of all test cases that one request runs."""
MAX_SHOWN = 500
"""Characters of a text in a difference."""


def list_cases(session: Session, principal: Principal, ref: UUID | str) -> list[TestCaseView]:
    """The flow's test cases, oldest first."""
    principal.require(Role.VIEWER)
    return [_view(case) for case in _cases(session, repository.find(session, ref))]


def create(
    session: Session, principal: Principal, ref: UUID | str, request: NewTestCase, *, clock: Clock
) -> TestCaseView:
    """Save a conversation; what the draft answers now is expected, unless the request says what.

    Raises:
        ConflictError: code `too_many_test_cases`, or `test_case_exists`: one of the name is there.
    """
    principal.needs(Permission.FLOWS_EDIT)
    flow = repository.find(session, ref, lock=True)
    others = _cases(session, flow)
    if len(others) >= MAX_CASES:
        raise ConflictError(f"A flow has at most {MAX_CASES} test cases.", code="too_many_test_cases")
    _refuse_name(others, request.name)
    expected = request.expected or _now(session, flow, request.script)
    now = clock.now()
    case = FlowTestCase(
        id=new_id(),
        organization_id=flow.organization_id,
        flow_id=flow.id,
        name=request.name.strip(),
        script=_stored(request.script),
        expected=expected.model_dump(mode="json"),
        created_by=principal.user_id,
        created_at=now,
        updated_at=now,
    )
    session.add(case)
    session.flush()
    return _view(case)


def update(
    session: Session, principal: Principal, ref: UUID | str, case_id: UUID, request: TestCaseUpdate, *, clock: Clock
) -> TestCaseView:
    """Rename, replace the script or the expectation, or accept what the draft answers now.

    Raises:
        NotFoundError: no such test case of this flow.
        ConflictError: code `test_case_exists`.
    """
    principal.needs(Permission.FLOWS_EDIT)
    flow = repository.find(session, ref, lock=True)
    case = _case(session, flow, case_id)
    if request.name is not None:
        _refuse_name([other for other in _cases(session, flow) if other.id != case.id], request.name)
        case.name = request.name.strip()
    if request.script is not None:
        case.script = _stored(request.script)
    if request.expected is not None:
        case.expected = request.expected.model_dump(mode="json")
    elif request.accept:
        case.expected = _now(session, flow, _script(case)).model_dump(mode="json")
    case.updated_at = clock.now()
    session.add(case)
    session.flush()
    return _view(case)


def delete(session: Session, principal: Principal, ref: UUID | str, case_id: UUID) -> None:
    """Forget a test case.

    Raises:
        NotFoundError: no such test case of this flow.
    """
    principal.needs(Permission.FLOWS_EDIT)
    session.delete(_case(session, repository.find(session, ref), case_id))
    session.flush()


def copy(session: Session, principal: Principal, flow_id: UUID, to: UUID, *, clock: Clock) -> None:
    """The cases of a flow for its duplicate too: blocks keep their ids, so what is expected stays the same."""
    now = clock.now()
    for case in _cases(session, repository.find(session, flow_id)):
        session.add(
            FlowTestCase(
                id=new_id(),
                organization_id=case.organization_id,
                flow_id=to,
                name=case.name,
                script=case.script,
                expected=case.expected,
                created_by=principal.user_id,
                created_at=now,
                updated_at=now,
            )
        )
    session.flush()


def run(session: Session, principal: Principal, ref: UUID | str, request: TestRunRequest) -> TestRun:
    """Play test cases and compare; nothing is stored.

    Raises:
        NotFoundError: one of the ids is no test case of this flow, or nothing is live.
        SpentError: code `run_too_long`: all of them together take more than a request may.
    """
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    cases = _cases(session, flow)
    if request.ids:
        known = {case.id: case for case in cases}
        missing = next((case_id for case_id in request.ids if case_id not in known), None)
        if missing is not None:
            raise NotFoundError("The flow has no such test case.", code="test_case_not_found")
        cases = [known[case_id] for case_id in dict.fromkeys(request.ids)]
    live = request.source == "live"
    raw = repository.version(session, flow.id, flow.live_version or 0).document if live else flow.draft_document
    budget = Budget(CASES_SECONDS)
    document = FlowDocument.model_validate(raw)
    results = [_result(session, flow, document, case, budget) for case in cases]
    passed = sum(result.passed for result in results)
    return TestRun(
        revision=None if live else flow.draft_revision,
        version=flow.live_version if live else None,
        passed=passed,
        failed=len(results) - passed,
        results=results,
    )


def before_publishing(
    session: Session, flow: Flow, *, allow_failures: bool, document: dict[str, Any] | None = None
) -> VersionTests | None:
    """What the test cases say of the draft, or of the `document` that is to go live; None when there are none.

    Raises:
        ConflictError: code `tests_failed`, unless failures are allowed.
        SpentError: code `run_too_long`, unless failures are allowed; those that weren't run count as failed then.
    """
    cases = _cases(session, flow)
    if not cases:
        return None
    wanted = FlowDocument.model_validate(flow.draft_document if document is None else document)
    failed: list[FlowTestCase] = []
    budget = Budget(CASES_SECONDS)
    for case in cases:
        try:
            passed = _result(session, flow, wanted, case, budget).passed
        except SpentError:
            if not allow_failures:
                raise
            passed = False
        if not passed:
            failed.append(case)
    if failed and not allow_failures:
        errors = [FieldError(f"/test_cases/{case.id}", case.name, "failed") for case in failed]
        raise ConflictError("Test cases of the flow fail; it was not published.", errors=errors, code="tests_failed")
    return VersionTests(passed=len(cases) - len(failed), failed=[case.name for case in failed])


# -- storage ---------------------------------------------------------------------------------------------------------


def _cases(session: Session, flow: Flow) -> list[FlowTestCase]:
    statement = scoped(session, FlowTestCase).where(col(FlowTestCase.flow_id) == flow.id)
    return list(session.exec(statement.order_by(col(FlowTestCase.id))))


def _case(session: Session, flow: Flow, case_id: UUID) -> FlowTestCase:
    found = next((case for case in _cases(session, flow) if case.id == case_id), None)
    if found is None:
        raise NotFoundError("The flow has no such test case.", code="test_case_not_found")
    return found


def _refuse_name(others: Sequence[FlowTestCase], name: str) -> None:
    if any(other.name.casefold() == name.strip().casefold() for other in others):
        raise ConflictError("The flow has a test case of this name.", code="test_case_exists")


def _stored(script: PreviewScript) -> JsonObject:
    return script.model_dump(mode="json", exclude_defaults=True, exclude={"source"})


def _script(case: FlowTestCase) -> PreviewScript:
    return PreviewScript.model_validate(case.script)


def _view(case: FlowTestCase) -> TestCaseView:
    script = _script(case)
    return TestCaseView(
        id=case.id,
        name=case.name,
        script=script,
        expected=Expectation.model_validate(case.expected),
        inputs=len(script.inputs),
        created_by=case.created_by,
        created_at=case.created_at,
        updated_at=case.updated_at,
    )


# -- playing and comparing -------------------------------------------------------------------------------------------


def _now(session: Session, flow: Flow, script: PreviewScript) -> Expectation:
    return observed(preview.played(session, flow, FlowDocument.model_validate(flow.draft_document), script))


def _result(session: Session, flow: Flow, document: FlowDocument, case: FlowTestCase, budget: Budget) -> TestCaseResult:
    phone = preview.played(session, flow, document, _script(case), budget=budget)
    differences = compare(Expectation.model_validate(case.expected), phone)
    return TestCaseResult(id=case.id, name=case.name, passed=not differences, differences=differences)


def observed(phone: Phone) -> Expectation:
    """What came of a conversation, as something to expect."""
    stands = phone.summary()
    return Expectation(
        turns=[
            ExpectedTurn(messages=[_content(event) for event in _messages(turn)], ignored=turn.ignored)
            for turn in phone.turns
        ],
        status=stands.status if stands else None,
        outcome=stands.outcome if stands else None,
        variables=stands.variables if stands else {},
    )


def compare(expected: Expectation, phone: Phone) -> list[Difference]:
    """Where a conversation went otherwise, first things first; at most `MAX_DIFFERENCES`."""
    got = observed(phone)
    found: list[Difference] = []
    for index, (want, have) in enumerate(zip_longest(expected.turns, got.turns)):
        turn = phone.turns[index] if index < len(phone.turns) else None
        after = _did(turn.input) if turn is not None else ""
        found += _turn(index, after, want or ExpectedTurn(), have or ExpectedTurn(), turn)
    for kind in ("status", "outcome"):
        want_end, have_end = getattr(expected, kind), getattr(got, kind)
        if want_end != have_end:
            found.append(Difference.model_validate({"kind": kind, "expected": want_end, "got": have_end}))
    for name in sorted({*expected.variables, *got.variables}):
        want_value, have_value = expected.variables.get(name), got.variables.get(name)
        if want_value != have_value:
            found.append(Difference(kind="variable", name=name, expected=_value(want_value), got=_value(have_value)))
    return found[:MAX_DIFFERENCES]


def _turn(index: int, after: str, want: ExpectedTurn, have: ExpectedTurn, turn: PreviewTurn | None) -> list[Difference]:
    found: list[Difference] = []
    senders = [event.node_id for event in _messages(turn)] if turn is not None else []
    for place, (one, other) in enumerate(zip_longest(want.messages, have.messages)):
        if one == other:
            continue
        kind = "missing" if other is None else "extra" if one is None else "message"
        found.append(
            Difference.model_validate(
                {
                    "kind": kind, "turn": index, "after": after,
                    "expected": None if one is None else readable(one),
                    "got": None if other is None else readable(other),
                    "node_id": senders[place] if place < len(senders) else None,
                }
            )
        )  # fmt: skip
    if want.ignored != have.ignored:
        found.append(Difference(kind="ignored", turn=index, after=after, expected=want.ignored, got=have.ignored))
    return found


def _messages(turn: PreviewTurn) -> list[MessageOut]:
    return [event for event in turn.events if isinstance(event, MessageOut)]


def _content(event: MessageOut) -> JsonObject:
    return event.content.model_dump(mode="json", exclude_defaults=True) | {"type": event.content.type}


def _did(item: PreviewInput | None) -> str:
    """What happened, in the contact's own words where there are any."""
    return (item.text or item.selection_id or "")[:120] if item is not None else ""


def _value(value: object) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return text[:MAX_SHOWN]


def readable(content: JsonObject) -> str:
    """A message as text to compare by eye: header, body, footer, then what can be pressed."""
    header = content.get("header") or {}
    lines = [
        header.get("text") or header.get("url"),
        content.get("body") if isinstance(content.get("body"), str) else None,
        content.get("caption"), content.get("url"), content.get("emoji"), content.get("footer"),
    ]  # fmt: skip
    if content["type"] == "template":
        values = [*content.get("body", []), *content.get("named_body", {}).values()]
        lines = [f"{content.get('name')} ({content.get('language')})", *map(str, values)]
    options = [option.get("title") for option in content.get("buttons", []) if "title" in option]
    for section in content.get("sections", []):
        options += [section.get("title"), *(row.get("title") for row in section.get("rows", []))]
    options += [content.get("button"), content.get("display_text"), content.get("cta")]
    lines += [f"[ {title} ]" for title in options if title]
    if content["type"] in ("location", "contacts"):
        kept = {key: value for key, value in content.items() if key != "type"}
        lines = [orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode()]
    return "\n".join(line for line in lines if line)[:MAX_SHOWN]
