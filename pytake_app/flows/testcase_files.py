"""Test cases that go along with their flow: into a copy of it, into a file and out of one."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from pydantic import ValidationError
from sqlmodel import Session, col

from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import scoped
from pytake_app.flows.documents import MAX_REPORTED
from pytake_app.flows.models import Flow, FlowTestCase
from pytake_app.flows.schemas import PortableTestCase
from pytake_app.flows.testcase_schemas import NewTestCase

MAX_CASES = 100
"""Test cases of one flow: all of them are played before each publication."""


def cases_of(session: Session, flow: Flow) -> list[PortableTestCase]:
    """The flow's test cases as a file holds them, oldest first."""
    statement = scoped(session, FlowTestCase).where(FlowTestCase.flow_id == flow.id).order_by(col(FlowTestCase.id))
    return [PortableTestCase(name=c.name, script=c.script, expected=c.expected) for c in session.exec(statement)]


def checked(raw: object) -> list[PortableTestCase]:
    """The test cases of a file; those of one name count once.

    Raises:
        InvalidError: code `invalid_document`: some can't be read, or there are too many.
    """
    if not isinstance(raw, list) or len(raw) > MAX_CASES:
        raise _unreadable([FieldError("/tests", f"a list of at most {MAX_CASES} test cases", "invalid_value")])
    found: dict[str, PortableTestCase] = {}
    errors: list[FieldError] = []
    for index, item in enumerate(raw):
        try:
            case = NewTestCase.model_validate(item)
        except ValidationError as error:
            for problem in error.errors():
                place = "/".join(map(str, (index, *problem["loc"])))
                errors.append(FieldError(f"/tests/{place}", problem["msg"], problem["type"]))
            continue
        if case.expected is None or not case.name.strip():
            errors.append(FieldError(f"/tests/{index}", "a name and what is expected", "missing"))
            continue
        script = case.script.model_dump(mode="json", exclude_defaults=True)
        portable = PortableTestCase(
            name=case.name.strip(), script=script, expected=case.expected.model_dump(mode="json")
        )
        found.setdefault(portable.name.casefold(), portable)
    if errors:
        raise _unreadable(errors[:MAX_REPORTED])
    return list(found.values())


def put(session: Session, flow: Flow, cases: Sequence[PortableTestCase], *, by: UUID | None, clock: Clock) -> None:
    """Give a new flow its test cases."""
    now = clock.now()
    for case in cases:
        session.add(
            FlowTestCase(
                id=new_id(),
                organization_id=flow.organization_id,
                flow_id=flow.id,
                name=case.name,
                script=case.script,
                expected=case.expected,
                created_by=by,
                created_at=now,
                updated_at=now,
            )
        )
    session.flush()


def _unreadable(errors: list[FieldError]) -> InvalidError:
    return InvalidError("The file's test cases can't be read.", errors=errors, code="invalid_document")
