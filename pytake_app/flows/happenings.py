"""What happens to contacts through people and the API, for flows that begin with it (`trigger_event`).

Who changes a contact or a conversation says so here, in the same transaction. When a live flow begins with it, a
command is put on the contact's lane: the flow starts after commit, in the contact's turn, unless the contact is busy.
What flows themselves do is seen by the pipeline (`execution_sprint.ContactState.happened`).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import structlog
from pydantic import JsonValue
from sqlmodel import Session

from pytake_app.contacts import service as contacts
from pytake_app.core.clock import Clock
from pytake_app.core.errors import ConflictError, NotFoundError
from pytake_app.core.tenancy import organization_of
from pytake_app.engine.triggers import TriggerCandidate, TriggerSpec, match_event
from pytake_app.flows import repository
from pytake_app.flows.schemas import Happening
from pytake_app.messaging.commands import Command, submit_command

log = structlog.get_logger(__name__)

MAX_AT_ONCE = 20
"""Of one act that is many things at once (fifty tags), no more than so many are looked at."""


def parameters(happening: Happening) -> dict[str, JsonValue]:
    """The session variables that a flow which begins with it gets."""
    given: dict[str, JsonValue] = {"event": happening.event, "event_value": happening.value}
    if happening.event == "custom_event":
        given["event_data"] = dict(happening.data)
    return given


def happened(
    session: Session,
    contact_id: UUID,
    happenings: Sequence[Happening],
    *,
    clock: Clock,
    channel_account_id: UUID | None = None,
    by: UUID | None = None,
) -> list[UUID]:
    """Start the flows that begin with this, after commit, each if the contact isn't busy then.

    Parameters:
        channel_account_id: where the flow speaks; None: where the contact was last reached, else the default account.
        by: the user who did it.

    Returns:
        the ids of the commands; none when no live flow begins with any of it, or the contact can't be reached.
    """
    if not happenings:
        return []
    candidates = _candidates(session)
    starts = [
        (happening, found)
        for happening in happenings[:MAX_AT_ONCE]
        if (found := match_event(happening.event, happening.value, candidates)) is not None
    ]
    if not starts:
        return []
    try:
        contact = contacts.lock(session, contact_id)
        if channel_account_id is not None:
            address = contacts.address_of(session, contact_id, channel_account_id)
        else:
            address = contacts.reach(session, contact, clock=clock)
    except (ConflictError, NotFoundError) as error:
        # A contact without a number, or no account yet: nobody to talk to, and no reason to refuse the change itself.
        log.info("event_flow_unreachable", reason=error.code, organization_id=str(organization_of(session)))
        return []
    return [
        submit_command(
            session,
            organization_id=organization_of(session),
            channel_account_id=address.channel_account_id,
            contact_key=address.key,
            command=_command(happening, candidate, by),
            clock=clock,
        )
        for happening, candidate in starts
    ]


def begins_with(session: Session, event: str) -> bool:
    """Whether a live flow begins with this kind of event, so that `happened` need be told of it."""
    return any(candidate.spec.event == event for candidate in _candidates(session))


def _command(happening: Happening, candidate: TriggerCandidate, by: UUID | None) -> Command:
    return Command(
        action="start",
        flow_id=UUID(candidate.flow_id),
        trigger="event",
        node_id=candidate.spec.node_id,
        polite=True,
        with_person=candidate.spec.with_person,
        params=parameters(happening),
        reason=happening.event,
        actor_id=by,
    )


def _candidates(session: Session) -> list[TriggerCandidate]:
    found: list[TriggerCandidate] = []
    for flow in repository.event_flows(session):
        for raw in flow.triggers:
            spec = TriggerSpec.model_validate(raw)
            if spec.kind == "event":
                if spec.tag and not spec.about:  # published before events had a subject other than a tag
                    spec = spec.model_copy(update={"about": spec.tag})
                found.append(TriggerCandidate(flow_id=str(flow.id), spec=spec))
    return found
