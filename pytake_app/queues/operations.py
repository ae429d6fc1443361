"""What people do with items: accept, decline, assign, complete, abandon, transfer, prioritise, take the next.

Agents act on what rings at them, on what they serve, and take what waits in queues they answer; administrators on
everything; viewers read. `conversations.service` is imported where it is used: it calls queues as it is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.conversations import queueing as conversations
from pytake_app.conversations.models import Conversation
from pytake_app.core.clock import Clock
from pytake_app.core.errors import ConflictError, FieldError, ForbiddenError, InvalidError, NotFoundError
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page, decode_cursor, encode_cursor
from pytake_app.core.tenancy import Permission, Principal, Role, scoped
from pytake_app.queues import agents, distributing, distribution, entering, item_views, items, repository, telling
from pytake_app.queues.item_schemas import (
    PRIORITIES,
    ItemEnter,
    ItemPriority,
    ItemStatus,
    ItemTransfer,
    ItemView,
)
from pytake_app.queues.models import HANDOVER, QueueItem, ServiceQueue

_STATUSES = frozenset(get_args(ItemStatus))


def list_items(
    session: Session,
    principal: Principal,
    queue_id: UUID,
    *,
    statuses: Sequence[str],
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    clock: Clock,
) -> Page[ItemView]:
    """Items of a queue in these states; live ones in the order in which they are served, ended ones newest first.

    Raises:
        NotFoundError: no such queue.
        InvalidError: a status that is none; a cursor that isn't of this list.
    """
    principal.require(Role.VIEWER)
    queue = repository.find(session, ServiceQueue, queue_id)
    unknown = [one for one in statuses if one not in _STATUSES]
    if unknown:
        raise InvalidError("There is no such status.", errors=[FieldError("/status", "unknown status", "unknown")])
    limit = min(max(limit, 1), MAX_LIMIT)
    offset = _offset(cursor)
    statement = scoped(session, QueueItem).where(
        QueueItem.queue_id == queue.id, col(QueueItem.status).in_(list(statuses))
    )
    seen = repository.seen(session, principal)
    if seen is not None:
        statement = statement.where(seen)
    if set(statuses) <= set(items.LIVE):
        rank = col(QueueItem.entered_at) - col(QueueItem.priority) * sa.literal(distribution.HEAD_START)
        order: tuple[Any, ...] = (
            (col(QueueItem.status) == "in_service").asc(), rank, col(QueueItem.id).asc()
        )  # fmt: skip
    else:
        order = (col(QueueItem.ended_at).desc().nulls_first(), col(QueueItem.id).desc())
    rows = list(session.exec(statement.order_by(*order).offset(offset).limit(limit + 1)))
    return Page[ItemView](
        items=item_views.views(session, rows[:limit], clock=clock),
        next_cursor=encode_cursor(offset + limit) if len(rows) > limit else None,
    )


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    (offset,) = decode_cursor(cursor, 1)
    if not isinstance(offset, int) or not 0 <= offset <= 1_000_000:
        raise InvalidError("The cursor is not one that this list gave.")
    return offset


def get_item(session: Session, principal: Principal, queue_id: UUID | None, item_id: UUID, *, clock: Clock) -> ItemView:
    """One item.

    Raises:
        NotFoundError: none here.
    """
    principal.require(Role.VIEWER)
    item = items.find(session, item_id, queue_id)
    if not items_by_id(session, principal, [item.id], clock=clock):
        raise NotFoundError("There is no such item in the queue.", code="item_not_found")
    return _view(session, item, clock)


def items_by_id(session: Session, principal: Principal, item_ids: Sequence[UUID], *, clock: Clock) -> list[ItemView]:
    """Those of the ids that exist, to answer a live poke."""
    principal.require(Role.VIEWER)
    statement = scoped(session, QueueItem).where(col(QueueItem.id).in_(item_ids[:MAX_LIMIT]))
    seen = repository.seen(session, principal)
    rows = session.exec(statement if seen is None else statement.where(seen))
    return item_views.views(session, list(rows), clock=clock)


def enter(session: Session, principal: Principal, queue_id: UUID, request: ItemEnter, *, clock: Clock) -> ItemView:
    """Put a conversation in line by the API.

    Raises:
        NotFoundError: no such queue or conversation.
        ConflictError: `conversation_closed`.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    repository.find(session, ServiceQueue, queue_id)
    conversation = conversations.hold(session, request.conversation_id, principal)
    if conversation.status not in ("open", "pending"):
        raise ConflictError("The conversation is closed; reopen it first.", code="conversation_closed")
    item = entering.enter(
        session, conversation.id, queue_id, source="api",
        priority=PRIORITIES.index(request.priority) if request.priority is not None else None,
        skills=request.skills, note=request.note, wait_minutes=request.wait_minutes, by=principal.user_id, clock=clock,
    )  # fmt: skip
    return _view(session, item, clock)


def accept(session: Session, principal: Principal, queue_id: UUID | None, item_id: UUID, *, clock: Clock) -> ItemView:
    """Take what rings at the caller.

    Raises:
        ConflictError: `item_not_offered`: it rings at nobody, or at somebody else by now; `item_ended`.
    """
    item, conversation = _offered_to(session, principal, queue_id, item_id)
    items.hold_agents(session, [principal.user_id])
    items.serve(
        session,
        [items.Handed(item, conversation, principal.user_id)],
        by=principal.user_id,
        clock=clock,
        reason="accepted",
    )
    return _view(session, item, clock)


def decline(session: Session, principal: Principal, queue_id: UUID | None, item_id: UUID, *, clock: Clock) -> ItemView:
    """Leave what rings at the caller to the next agent.

    Raises:
        ConflictError: as `accept`.
    """
    item, _ = _offered_to(session, principal, queue_id, item_id)
    items.unoffer(session, item, clock=clock)
    return _view(session, item, clock)


def _offered_to(
    session: Session, principal: Principal, queue_id: UUID | None, item_id: UUID
) -> tuple[QueueItem, Conversation]:
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    item, conversation = items.hold(session, item_id, queue_id)
    items.require(item, *items.LIVE)
    if item.status != "offered" or item.offered_to != principal.user_id:
        raise ConflictError("The conversation doesn't ring at you any more.", code="item_not_offered")
    return item, conversation


def assign(
    session: Session, principal: Principal, queue_id: UUID | None, item_id: UUID, agent_id: UUID, *, clock: Clock
) -> ItemView:
    """Give an item to an agent, whatever they have already; one in service changes hands.

    Raises:
        ForbiddenError: agents give to themselves what waits, in queues they answer; the rest is for administrators.
        InvalidError: nobody who can answer.
        ConflictError: `item_ended`.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    item, conversation = items.hold(session, item_id, queue_id)
    items.require(item, *items.LIVE)
    if not principal.has(Permission.QUEUES_MANAGE):
        own = item.status == "in_service" and item.agent_id == principal.user_id
        picks = item.status != "in_service" and agent_id == principal.user_id and _answers(session, agent_id, item)
        if not (own or picks):
            raise ForbiddenError("Your role does not allow giving this to somebody.")
    _to_agent(session, principal, item, conversation, agent_id, "/agent_id", clock)
    return _view(session, items.live_of(session, conversation.id) or item, clock)


def _answers(session: Session, agent_id: UUID, item: QueueItem) -> bool:
    return item.queue_id in distributing.answered_queues(session).get(agent_id, {})


def _to_agent(
    session: Session, principal: Principal, item: QueueItem, conversation: Conversation, agent_id: UUID, pointer: str,
    clock: Clock,
) -> None:  # fmt: skip
    answerer = accounts.principal_for(session, agent_id)
    if answerer is None or not answerer.has(Permission.CONVERSATIONS_HANDLE):
        error = FieldError(pointer, "not somebody who can answer", "unknown")
        raise InvalidError("The conversation can't be given to this user.", errors=[error])
    agents.find(session, agent_id, clock=clock)
    if item.status == "in_service":
        if item.agent_id == agent_id:
            return
        items.end(session, item, "transferred", outcome="agent", by=principal.user_id, clock=clock)
        item = items.make(
            session, conversation, items.queue_of(session, item.queue_id), source=HANDOVER, priority=item.priority,
            skills=item.skills, note=item.note, flow_session_id=item.flow_session_id, previous=item, clock=clock,
        )  # fmt: skip
        item.arrived_at = clock.now()
    items.serve(
        session, [items.Handed(item, conversation, agent_id)], by=principal.user_id, clock=clock, reason="by_hand"
    )


def complete(
    session: Session, principal: Principal, queue_id: UUID | None, item_id: UUID, outcome: str, *, clock: Clock
) -> ItemView:
    """It is settled: the conversation is closed.

    Raises:
        ConflictError: `item_not_in_service`, `item_ended`.
        InvalidError: `outcome_required`, `outcome_unknown`.
    """
    from pytake_app.conversations import service as threads

    item, conversation = _own(session, principal, queue_id, item_id)
    if item.status != "in_service":
        raise ConflictError("Nobody has taken the conversation yet.", code="item_not_in_service")
    items.end(session, item, "completed", outcome=outcome.strip() or "completed", by=principal.user_id, clock=clock)
    threads.set_status(session, principal, conversation.id, "closed", outcome=outcome, clock=clock)
    return _view(session, item, clock)


def abandon(
    session: Session, principal: Principal, queue_id: UUID | None, item_id: UUID, reason: str, *, clock: Clock
) -> ItemView:
    """It leaves the queue without having been served.

    Raises:
        ConflictError: `item_ended`.
    """
    item, conversation = _own(session, principal, queue_id, item_id)
    items.end(session, item, "abandoned", outcome=reason.strip() or "by_hand", by=principal.user_id, clock=clock)
    conversations.leave_line(
        session, conversation, session_id=item.flow_session_id, result="closed", clock=clock, reason="by_hand"
    )
    return _view(session, item, clock)


def _own(
    session: Session, principal: Principal, queue_id: UUID | None, item_id: UUID
) -> tuple[QueueItem, Conversation]:
    """A live item that the caller may act on, held."""
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    item, conversation = items.hold(session, item_id, queue_id)
    items.require(item, *items.LIVE)
    if not principal.has(Permission.QUEUES_MANAGE) and principal.user_id not in (item.agent_id, item.offered_to):
        raise ForbiddenError("Somebody else has this conversation.")
    return item, conversation


def transfer(
    session: Session, principal: Principal, queue_id: UUID | None, item_id: UUID, request: ItemTransfer, *, clock: Clock
) -> ItemView:
    """Pass an item on to a queue, an agent, a department's queue, or a flow.

    Returns:
        the new item, or the ended one when a flow has it.

    Raises:
        InvalidError: no such queue, agent or department, or a department without a queue.
        ConflictError: `item_ended`, `not_published`.
    """
    from pytake_app.conversations import service as threads

    item, conversation = _own(session, principal, queue_id, item_id)
    if request.note.strip():
        threads.add_note(session, principal, conversation.id, request.note.strip(), clock=clock)
    if request.flow_id is not None:
        threads.give_back(session, principal, conversation.id, flow_id=request.flow_id, clock=clock)
        return _view(session, items.find(session, item.id), clock)
    if request.agent_id is not None:
        _to_agent(session, principal, item, conversation, request.agent_id, "/agent_id", clock)
    else:
        target = _target(session, request)
        if target.id == item.queue_id and items.goes_on_waiting(session, item):
            items.let_go(session, item, by=principal.user_id, clock=clock)
            conversations.line_up(
                session, conversation, queue_id=target.id, queue_name=target.name, priority=item.priority,
                by=principal.user_id, clock=clock, since=item.entered_at, reason="put_back",
            )  # fmt: skip
            return _view(session, item, clock)
        entering.enter(
            session, conversation.id, target.id, source="agent", priority=item.priority, skills=item.skills,
            note=request.note or item.note, by=principal.user_id, clock=clock,
        )  # fmt: skip
    return _view(session, items.live_of(session, conversation.id) or item, clock)


def _target(session: Session, request: ItemTransfer) -> ServiceQueue:
    queues = [queue for queue in repository.all_of(session, ServiceQueue) if queue.is_active]
    if request.queue_id is not None:
        found, pointer = next((one for one in queues if one.id == request.queue_id), None), "/queue_id"
    else:
        found = next((one for one in queues if one.department_id == request.department_id), None)
        pointer = "/department_id"
    if found is None:
        raise InvalidError("There is no such queue.", errors=[FieldError(pointer, "no queue there", "not_found")])
    return found


def set_priority(
    session: Session,
    principal: Principal,
    queue_id: UUID | None,
    item_id: UUID,
    priority: ItemPriority,
    *,
    clock: Clock,
) -> ItemView:
    """How urgent it is.

    Raises:
        ConflictError: `item_ended`.
    """
    item, conversation = _own(session, principal, queue_id, item_id)
    item.priority = PRIORITIES.index(priority)
    session.add(item)
    session.flush()
    conversations.prioritise(session, conversation, item.priority, by=principal.user_id, clock=clock)
    telling.changed(session, [item], "priority")
    items.tend_soon(session)
    return _view(session, item, clock)


def take_next(session: Session, principal: Principal, queue_id: UUID, *, clock: Clock) -> ItemView | None:
    """The caller takes who is next in the queue.

    Returns:
        None: nobody waits.

    Raises:
        ConflictError: `at_capacity`: the caller has as many as they take at a time.
        ForbiddenError: the caller doesn't answer this queue.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    queue = repository.find(session, ServiceQueue, queue_id)
    answers = queue.id in distributing.answered_queues(session).get(principal.user_id, {})
    if not answers and not principal.has(Permission.QUEUES_MANAGE):
        raise ForbiddenError("You don't answer this queue.")
    for found, _ in distributing.waiting(session, [queue.id]):
        held = conversations.lock_many(session, [found.conversation_id])
        rows = repository.hold_items(session, [found.id] if held else [], ("waiting",))
        if not rows:
            continue  # somebody has it at this moment
        agent, _ = agents.find(session, principal.user_id, clock=clock)
        if distributing.loads(session).get(agent.user_id, 0) >= agent.capacity:
            raise ConflictError("You have as many conversations as you take at a time.", code="at_capacity")
        handed = items.Handed(rows[0], held[found.conversation_id], agent.user_id)
        items.serve(session, [handed], by=principal.user_id, clock=clock, reason="picked")
        return _view(session, rows[0], clock)
    return None


def move_all(session: Session, queue_id: UUID, target: ServiceQueue, *, by: UUID, clock: Clock) -> int:
    """Everybody who waits in a queue goes on to another, with their place in time; who is served keeps their agent."""
    statement = scoped(session, QueueItem).where(
        QueueItem.queue_id == queue_id, col(QueueItem.status).in_(("waiting", "offered"))
    )
    found = list(session.exec(statement.order_by(col(QueueItem.conversation_id))))
    for one in found:
        item, conversation = items.hold(session, one.id)
        if item.status in ("waiting", "offered"):
            entering.enter(
                session, conversation.id, target.id, source="agent", priority=item.priority, skills=item.skills,
                note=item.note, by=by, clock=clock,
            )  # fmt: skip
    session.flush()
    return len(found)


def waiting_count(session: Session, queue_id: UUID) -> int:
    """How many wait in a queue or ring."""
    statement = scoped(session, QueueItem).where(
        QueueItem.queue_id == queue_id, col(QueueItem.status).in_(("waiting", "offered"))
    )
    return int(session.scalar(sa.select(sa.func.count()).select_from(statement.subquery())) or 0)


def _view(session: Session, item: QueueItem, clock: Clock) -> ItemView:
    session.flush()
    return item_views.views(session, [item], clock=clock)[0]
