"""Settings of service queues. Functions run in the caller's transaction and never commit.

Reading needs `viewer`, changing `org_admin`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of
from pytake_app.queues import repository
from pytake_app.queues.calendars import seed_calendar
from pytake_app.queues.models import BusinessCalendar, ServiceQueue
from pytake_app.queues.schemas import SETTINGS, QueueMessages, QueueOverflow, QueueView, QueueWrite

MAX_QUEUES = 200
_CLOCK = SystemClock()
# The queues that the flows of a new organization hand over to; the first is the default.
_FIRST = {"pt_BR": ("Atendimento", "Suporte"), "en": ("Support",), "es": ("Atención", "Soporte")}


def list_queues(session: Session, principal: Principal) -> list[QueueView]:
    """Every queue, the default first."""
    principal.require(Role.VIEWER)
    return [_view(queue) for queue in repository.all_of(session, ServiceQueue)]


def get_queue(session: Session, principal: Principal, queue_id: UUID) -> QueueView:
    """One queue.

    Raises:
        NotFoundError: none here.
    """
    principal.require(Role.VIEWER)
    return _view(repository.find(session, ServiceQueue, queue_id))


def create_queue(session: Session, principal: Principal, request: QueueWrite, *, clock: Clock = _CLOCK) -> QueueView:
    """A new queue.

    Raises:
        ConflictError: `name_taken`, `too_many_queues`.
        InvalidError: department, business hours or overflow queue that aren't there.
    """
    principal.needs(Permission.QUEUES_MANAGE)
    if repository.count(session, ServiceQueue) >= MAX_QUEUES:
        raise ConflictError(f"An organization has at most {MAX_QUEUES} queues.", code="too_many_queues")
    now = clock.now()
    queue = ServiceQueue(id=new_id(), organization_id=organization_of(session), name="", created_at=now, updated_at=now)
    return _write(session, queue, request)


def replace_queue(
    session: Session, principal: Principal, queue_id: UUID, request: QueueWrite, *, clock: Clock = _CLOCK
) -> QueueView:
    """Make a queue what the request says.

    Raises:
        NotFoundError: none here.
        ConflictError: `name_taken`, `default_needed` (make another queue the default instead).
        InvalidError: as `create_queue`; `overflow_circle`.
    """
    principal.needs(Permission.QUEUES_MANAGE)
    queue = repository.find(session, ServiceQueue, queue_id, lock=True)
    if queue.is_default and not (request.is_default and request.is_active):
        raise ConflictError("There must be a default queue; make another one the default.", code="default_needed")
    queue.updated_at = clock.now()
    return _write(session, queue, request)


def _write(session: Session, queue: ServiceQueue, request: QueueWrite) -> QueueView:
    from pytake_app.accounts import service as accounts

    name = request.name.strip()
    if not name:
        raise _wrong("/name", "is empty", "missing")
    if request.department_id is not None and request.department_id not in dict(accounts.department_choices(session)):
        raise _wrong("/department_id", "no such department", "not_found")
    if request.business_hours_id is not None:
        _require(session, BusinessCalendar, request.business_hours_id, "/business_hours_id")
    _check_overflow(session, queue.id, request.overflow)
    if request.is_default and not queue.is_default:
        repository.clear_default(session, ServiceQueue)
    queue.name, queue.description = name, request.description.strip()
    queue.department_id, queue.calendar_id = request.department_id, request.business_hours_id
    queue.max_size, queue.max_wait_minutes = request.max_size, request.max_wait_minutes
    queue.priority = request.priority
    queue.skills = list(dict.fromkeys(skill.strip()[:60] for skill in request.skills if skill.strip()))
    queue.welcome_message = request.messages.welcome
    queue.waiting_message = request.messages.waiting
    queue.closed_message = request.messages.closed
    queue.overflow_action = request.overflow.action
    queue.overflow_queue_id = request.overflow.queue_id if request.overflow.action == "queue" else None
    queue.overflow_message = request.overflow.message
    queue.position_message, queue.timeout_message = request.messages.position, request.messages.timeout
    for setting in SETTINGS:
        setattr(queue, setting, getattr(request, setting))
    queue.is_default, queue.is_active = request.is_default, request.is_active or request.is_default
    try:
        with session.begin_nested():
            session.add(queue)
    except IntegrityError as error:
        raise ConflictError(
            "There is a queue of this name already.",
            code="name_taken",
            errors=[FieldError("/name", "taken", "name_taken")],
        ) from error
    return _view(queue)


def _check_overflow(session: Session, queue_id: UUID, overflow: QueueOverflow) -> None:
    """The overflow leads to a queue, and round no circle."""
    if overflow.action != "queue" or overflow.queue_id is None:
        return
    onward = {queue.id: queue.overflow_queue_id for queue in repository.all_of(session, ServiceQueue)}
    following: UUID | None = overflow.queue_id
    if following not in onward:
        raise _wrong("/overflow/queue_id", "no such queue", "not_found")
    onward[queue_id] = overflow.queue_id
    seen = {queue_id}
    while following is not None:
        if following in seen:
            raise _wrong("/overflow/queue_id", "the queues overflow into each other", "overflow_circle")
        seen.add(following)
        following = onward.get(following)


def _require(session: Session, model: type[BusinessCalendar], row_id: UUID, pointer: str) -> None:
    try:
        repository.find(session, model, row_id)
    except NotFoundError as error:
        raise _wrong(pointer, "no such calendar", "not_found") from error


def _wrong(pointer: str, message: str, code: str) -> InvalidError:
    return InvalidError("The queue can't be kept like this.", errors=[FieldError(pointer, message, code)])


def delete_queue(
    session: Session, principal: Principal, queue_id: UUID, *, move_to: UUID | None = None, clock: Clock = _CLOCK
) -> None:
    """Take a queue away. Who is being served there keeps their agent.

    Parameters:
        move_to: the queue where those go on waiting who wait in it.

    Raises:
        NotFoundError: none here.
        ConflictError: `default_needed`: it is the default queue; `people_waiting`: say where they go on waiting.
        InvalidError: `move_to` is no other queue in use.
    """
    from pytake_app.conversations import service as conversations
    from pytake_app.queues import operations

    principal.needs(Permission.QUEUES_MANAGE)
    queue = repository.find(session, ServiceQueue, queue_id)
    if queue.is_default:
        raise ConflictError("There must be a default queue; make another one the default.", code="default_needed")
    waiting = operations.waiting_count(session, queue.id)
    if waiting and move_to is None:
        raise ConflictError(f"{waiting} are waiting in the queue; say where they go on waiting.", code="people_waiting")
    if move_to is not None:
        target = next((one for one in repository.all_of(session, ServiceQueue) if one.id == move_to), None)
        if target is None or target.id == queue.id or not target.is_active:
            raise _wrong("/move_to", "no other queue in use", "not_found")
        operations.move_all(session, queue.id, target, by=principal.user_id, clock=clock)
    # From here on nobody can join: the row is held.
    queue = repository.find(session, ServiceQueue, queue_id, lock=True)
    conversations.leave_queue(session, queue.id)
    session.delete(queue)
    session.flush()


def queue_choices(session: Session) -> list[tuple[UUID, str]]:
    """(id, name) of the queues that are in use, the default first; for the verifier and pickers."""
    return repository.choices(session, ServiceQueue)


def reference_names(session: Session) -> list[Select[Any]]:
    """(kind, id, name, more) of queues and calendars, to be asked for with others' in one statement."""
    return repository.names_selects(session)


def seed_organization(session: Session, organization_id: UUID, locale: str, *, clock: Clock = _CLOCK) -> None:
    """Give a new organization its queues and its business hours.

    Parameters:
        session: of `Database.tenant(organization_id)`, with the organization's row already in it.
    """
    now = clock.now()
    seed_calendar(session, organization_id, locale, clock=clock)
    for index, name in enumerate(_FIRST.get(locale, _FIRST["en"])):
        session.add(
            ServiceQueue(
                id=new_id(), organization_id=organization_id, name=name, is_default=index == 0, created_at=now,
                updated_at=now,
            )
        )  # fmt: skip
    session.flush()


def _view(queue: ServiceQueue) -> QueueView:
    return QueueView(
        id=queue.id,
        name=queue.name,
        description=queue.description,
        department_id=queue.department_id,
        business_hours_id=queue.calendar_id,
        max_size=queue.max_size,
        max_wait_minutes=queue.max_wait_minutes,
        priority=queue.priority,
        skills=queue.skills,
        messages=QueueMessages.model_construct(
            welcome=queue.welcome_message,
            waiting=queue.waiting_message,
            position=queue.position_message,
            closed=queue.closed_message,
            timeout=queue.timeout_message,
        ),
        # Its queue may have been deleted since.
        overflow=QueueOverflow.model_construct(
            action=queue.overflow_action,  # type: ignore[arg-type]  # checked where it was set
            queue_id=queue.overflow_queue_id,
            message=queue.overflow_message,
        ),
        is_default=queue.is_default,
        is_active=queue.is_active,
        **{setting: getattr(queue, setting) for setting in SETTINGS},
        created_at=queue.created_at,
        updated_at=queue.updated_at,
    )
