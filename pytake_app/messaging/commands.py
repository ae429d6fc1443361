"""Commands: acts of people and of the API on a contact's automation, serial with the contact's messages."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import redis
import structlog
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from sqlmodel import Session

from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.db import after_commit
from pytake_app.core.ids import new_id
from pytake_app.core.services import process_services
from pytake_app.jobs import enqueue as jobs
from pytake_app.messaging.lanes import lane_of
from pytake_app.messaging.models import InboundEvent

log = structlog.get_logger(__name__)


class Command(BaseModel):
    """What to do.

    `start`: begin `flow_id` (a UUID) with `params` (give back to a flow, API start), at `node_id` by `trigger`; if
    `polite`, only when the contact isn't busy, blocked or opted out (else it replaces what is running); `with_person`:
    a person who answers is no reason not to, and keeps the conversation. `cancel`:
    interrupt the running session. `handoff`: tell a handed-off session what became of it (`result`). `input`: answer
    as if the contact had written (`text`, `selection_id`).
    """

    model_config = ConfigDict(extra="forbid")

    action: Literal["start", "cancel", "handoff", "input"]
    flow_id: UUID | None = None
    session_id: UUID | None = None
    trigger: Literal["api", "webhook", "schedule", "event"] = "api"
    node_id: str | None = None
    polite: bool = False
    with_person: bool = False
    params: dict[str, JsonValue] = Field(default_factory=dict)
    result: Literal["transferred", "timeout", "closed"] | None = None
    reason: str = ""
    text: str = ""
    selection_id: str | None = None
    actor_id: UUID | None = None


def submit_command(
    session: Session,
    *,
    organization_id: UUID,
    channel_account_id: UUID,
    contact_key: str,
    command: Command,
    clock: Clock | None = None,
) -> UUID:
    """Have a command carried out after this transaction's commit, in order with the contact's messages.

    Parameters:
        contact_key: `contact_identities.key` of the contact on that account, else its BSUID.

    Returns:
        the command's id.
    """
    services = process_services()
    command_id = new_id()
    now = (clock or SystemClock()).now()
    lane = lane_of(channel_account_id, contact_key, services.settings.lanes)
    session.add(
        InboundEvent(
            organization_id=organization_id,
            channel_account_id=channel_account_id,
            lane=lane,
            contact_key=contact_key,
            kind="command",
            external_id=str(command_id),
            payload=command.model_dump(mode="json", exclude_defaults=True),
            next_attempt_at=now,
            received_at=now,
        )
    )

    def poke() -> None:
        try:
            jobs.poke_lane(services.redis, services.settings, lane)
        except redis.RedisError as error:
            log.warning("lane_poke_failed", error=type(error).__name__, lanes=1)

    after_commit(session, poke)
    return command_id
