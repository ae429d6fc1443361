"""Publications for later: the draft as it is now goes live at a given time, if it still passes the verifier then."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import LiteralString, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeout
from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.core.clock import Clock
from pytake_app.core.db import Database
from pytake_app.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ProblemError,
    UnavailableError,
)
from pytake_app.core.ids import new_id
from pytake_app.core.live import poke
from pytake_app.core.tenancy import Permission, Principal, Role, scoped
from pytake_app.core.texts import text
from pytake_app.engine.document import FlowDocument
from pytake_app.flows import documents, impact, publishing, repository, testcases
from pytake_app.flows.editing import changes_after, refuse_stale
from pytake_app.flows.impact_schemas import ImpactChoice
from pytake_app.flows.models import Flow, FlowPublication, FlowVersion
from pytake_app.flows.versions_schemas import PublicationProblem, PublicationView
from pytake_app.messaging.sql import Connection
from pytake_app.notifications.models import Notification

log = structlog.get_logger(__name__)

MAX_PENDING = 10
"""Publications that a flow may have ahead of it."""
MAX_AHEAD = timedelta(days=366)
SHOWN = 20
"""Publications in a list, the latest ones."""
DUE_BATCH = 20

ANY_DUE: LiteralString = "SELECT 1 FROM flow_publications WHERE state = 'pending' AND publish_at <= %(now)s"
"""Rows: one is due."""
_DUE = """
SELECT organization_id, id FROM flow_publications WHERE state = 'pending' AND publish_at <= %s
ORDER BY publish_at LIMIT %s
"""


def schedule(
    session: Session,
    principal: Principal,
    ref: UUID | str,
    *,
    publish_at: datetime,
    expected_revision: int | None,
    note: str,
    choice: ImpactChoice,
    allow_failing_tests: bool = False,
    clock: Clock,
) -> PublicationView:
    """Keep the draft as it is now, to go live at `publish_at`. It must pass the verifier now, and again then.

    Raises:
        InvalidError: code `flow_has_errors`; `not_in_future`; `too_far_ahead`.
        ConflictError: code `stale_revision`; `too_many_publications`; `tests_failed` unless `allow_failing_tests`.
    """
    principal.needs(Permission.FLOWS_PUBLISH)
    flow = repository.find(session, ref, lock=True)
    refuse_stale(flow, expected_revision)
    now = clock.now()
    if publish_at <= now:
        raise InvalidError("The time has passed already.", code="not_in_future")
    if publish_at > now + MAX_AHEAD:
        raise InvalidError("That is more than a year ahead.", code="too_far_ahead")
    pending = [row for row in _rows(session, flow.id) if row.state == "pending"]
    if len(pending) >= MAX_PENDING:
        raise ConflictError("The flow has too many publications ahead of it.", code="too_many_publications")
    publishing.refuse_errors(session, flow, FlowDocument.model_validate(flow.draft_document))
    testcases.before_publishing(session, flow, allow_failures=allow_failing_tests)
    row = FlowPublication(
        id=new_id(),
        organization_id=flow.organization_id,
        flow_id=flow.id,
        publish_at=publish_at,
        document=flow.draft_document,
        checksum=documents.checksum(flow.draft_document),
        note=note,
        impact={"choice": choice.model_dump(mode="json"), "allow_failing_tests": allow_failing_tests},
        created_by=principal.user_id,
        created_at=now,
    )
    session.add(row)
    session.flush()
    _announce(session, flow)
    return _views(session, flow, [row])[0]


def list_publications(session: Session, principal: Principal, ref: UUID | str) -> list[PublicationView]:
    """Those ahead, soonest first, then the latest of those that are over."""
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    rows = _rows(session, flow.id)
    ahead = sorted((row for row in rows if row.state == "pending"), key=lambda row: (row.publish_at, row.id))
    return _views(session, flow, [*ahead, *(row for row in rows if row.state != "pending")])


def cancel(
    session: Session, principal: Principal, ref: UUID | str, publication_id: UUID, *, clock: Clock
) -> PublicationView:
    """Take back a publication that is still ahead.

    Raises:
        NotFoundError: the flow has no such publication.
        ConflictError: code `publication_over`: it has happened, failed, or was taken back before.
    """
    principal.needs(Permission.FLOWS_PUBLISH)
    flow = repository.find(session, ref)
    row = _locked(session, publication_id, wait=True)
    if row is None or row.flow_id != flow.id:
        raise NotFoundError("The flow has no such publication.", code="publication_not_found")
    if row.state != "pending":
        raise ConflictError("That publication is over.", code="publication_over")
    row.state, row.finished_at = "canceled", clock.now()
    session.add(row)
    session.flush()
    _announce(session, flow)
    return _views(session, flow, [row])[0]


def due(connection: Connection, now: datetime) -> list[tuple[UUID, UUID]]:
    """(organization, publication) of what is to go live now."""
    return [(row[0], row[1]) for row in connection.execute(_DUE, (now, DUE_BATCH)).fetchall()]


def carry_out(database: Database, organization_id: UUID, publication_id: UUID, *, clock: Clock) -> bool:
    """Publish what was kept, or say why not: on the publication, and to whoever made it. Once, however many try.

    Who made it must still be one who may publish (code `author_gone`), or somebody sent away would go on publishing;
    then the administrators are told.

    Returns:
        whether a version went live.
    """
    with database.tenant(organization_id) as session:
        row = _locked(session, publication_id, wait=False)
        if row is None or row.state != "pending":
            return False
        try:
            with session.begin_nested():
                version = _publish(session, row, clock)
        except (OperationalError, SQLAlchemyTimeout, UnavailableError):
            raise  # nothing was decided: it is done at the next round
        except ProblemError as problem:
            _fail(session, row, problem, clock)
            log.warning("scheduled_publication_failed", flow_id=str(row.flow_id), code=problem.code)
            return False
        except Exception:
            # Whatever it is: tried again for ever it would stop everything else that is due.
            log.exception("scheduled_publication_broke", flow_id=str(row.flow_id))
            _fail(session, row, ProblemError("It could not be published."), clock)
            return False
        row.state, row.version, row.finished_at = "done", version, clock.now()
        session.add(row)
        log.info("scheduled_publication_done", flow_id=str(row.flow_id), version=version)
        return True


def _publish(session: Session, row: FlowPublication, clock: Clock) -> int:
    author = accounts.principal_for(session, row.created_by)
    if author is None or not author.has(Permission.FLOWS_PUBLISH):
        raise ForbiddenError("Whoever asked for it may not publish any more.", code="author_gone")
    flow = repository.find(session, row.flow_id, lock=True)
    lenient = bool(row.impact.get("allow_failing_tests"))
    tests = testcases.before_publishing(session, flow, allow_failures=lenient, document=row.document)
    result = publishing.make_live(
        session, flow, row.document, note=row.note, by=row.created_by, tests=tests, clock=clock
    )
    flow.draft_changes = changes_after(session, flow, step=0)
    choice = ImpactChoice.model_validate(row.impact.get("choice", {}))
    document = FlowDocument.model_validate(row.document)
    impact.apply(session, flow, document, choice, version=result.version, clock=clock)
    session.flush()
    return result.version


def _fail(session: Session, row: FlowPublication, problem: ProblemError, clock: Clock) -> None:
    reasons = [error.message for error in problem.errors[:20]]
    kept = PublicationProblem(code=problem.code or "refused", detail=problem.detail, findings=reasons)
    row.state, row.finished_at, row.problem = "failed", clock.now(), kept.model_dump(mode="json")
    session.add(row)
    for user_id in accounts.admin_ids(session) if kept.code == "author_gone" else [row.created_by]:
        _tell(session, row, user_id, kept.code, len(problem.errors), clock)
    poke(session, f"flow:{row.flow_id}", {"event": "flow_updated", "flow_id": str(row.flow_id)})


def _tell(session: Session, row: FlowPublication, user_id: UUID | None, code: str, errors: int, clock: Clock) -> None:
    """Notify one person that it didn't happen."""
    name = repository.names(session, [row.flow_id]).get(row.flow_id, "")
    locale = accounts.locale_of(session, user_id)
    zone = ZoneInfo(accounts.time_zone_of(session))
    when = row.publish_at.astimezone(zone).strftime("%d/%m %H:%M" if locale != "en" else "%b %d, %H:%M")
    why = {"flow_has_errors": "errors", "flow_not_found": "gone", "author_gone": "author"}.get(code, "other")
    session.add(
        Notification(
            organization_id=row.organization_id,
            user_id=user_id,
            kind="flow_publication",
            level="urgent",
            title=text(locale, "versions.notice_failed", flow=name),
            body=text(locale, f"versions.notice_failed_{why}", when=when, count=errors),
            created_at=clock.now(),
        )
    )
    if user_id is not None:
        payload = {"event": "notification", "user_id": str(user_id)}
        poke(session, f"org:{row.organization_id}:notifications", payload)


def _rows(session: Session, flow_id: UUID) -> list[FlowPublication]:
    statement = (
        scoped(session, FlowPublication)
        .where(FlowPublication.flow_id == flow_id)
        .order_by(sa.case((col(FlowPublication.state) == "pending", 0), else_=1), col(FlowPublication.id).desc())
        .limit(SHOWN)
    )
    return list(session.exec(statement))


def _locked(session: Session, publication_id: UUID, *, wait: bool) -> FlowPublication | None:
    statement = scoped(session, FlowPublication).where(FlowPublication.id == publication_id)
    return cast("FlowPublication | None", session.exec(statement.with_for_update(skip_locked=not wait)).one_or_none())


def _views(session: Session, flow: Flow, rows: list[FlowPublication]) -> list[PublicationView]:
    names = accounts.user_names(session, {row.created_by for row in rows if row.created_by})
    draft = documents.checksum(flow.draft_document)
    newest = session.execute(
        sa.select(col(FlowVersion.version), col(FlowVersion.published_at))
        .where(col(FlowVersion.organization_id) == flow.organization_id, col(FlowVersion.flow_id) == flow.id)
        .order_by(col(FlowVersion.version).desc())
        .limit(1)
    ).first()
    return [
        PublicationView(
            **row.model_dump(exclude={"document", "impact", "organization_id", "checksum", "problem"}),
            created_by_name=names.get(row.created_by, "") if row.created_by else "",
            problem=PublicationProblem.model_validate(row.problem) if row.problem else None,
            overtaken_by=newest[0] if row.state == "pending" and newest and newest[1] > row.created_at else None,
            draft_moved_on=row.state == "pending" and row.checksum != draft,
        )
        for row in rows
    ]


def _announce(session: Session, flow: Flow) -> None:
    poke(session, f"flow:{flow.id}", {"event": "flow_updated", "flow_id": str(flow.id)})
