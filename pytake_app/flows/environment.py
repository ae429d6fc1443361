"""What the verifier and the engine may know of the organization around a flow."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from pytake_app.engine.verify import VerifyEnv
from pytake_app.flows import repository


def verify_env(session: Session, flow_id: UUID | None) -> VerifyEnv:
    """The organization as the verifier sees it. Templates and queues are unknown: nothing is claimed of them."""
    live = repository.live_names(session)
    return VerifyEnv(
        channel="whatsapp",
        flow_id=str(flow_id) if flow_id is not None else None,
        flows=frozenset(str(row[0]) for row in live) | frozenset(row[1] for row in live),
    )
