"""What the verifier and the engine may know of the organization around a flow."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlmodel import Session

from pytake_app.engine.document import FlowDocument
from pytake_app.engine.findings import KeywordOwner, OtherFlow
from pytake_app.engine.triggers import TriggerSpec
from pytake_app.engine.verify import VerifyEnv
from pytake_app.flows import repository


def verify_env(session: Session, flow_id: UUID | None) -> VerifyEnv:
    """The organization as the verifier sees it: other live flows, and the words they answer.

    What isn't given (templates, queues, prices…) is unknown: nothing is claimed of it.
    """
    live = repository.live_names(session)
    return VerifyEnv(
        channel="whatsapp",
        flow_id=str(flow_id) if flow_id is not None else None,
        flows=frozenset(str(row[0]) for row in live) | frozenset(row[1] for row in live),
        keywords=_keywords(session, flow_id),
        load_flow=_loader(session),
    )


def _loader(session: Session) -> Callable[[str], OtherFlow | None]:
    """Live versions of other flows, read when a jump leads there."""

    def load(ref: str) -> OtherFlow | None:
        found = repository.find_live(session, ref, None)
        if found is None:
            return None
        document = FlowDocument.model_validate(found.document)
        return OtherFlow(flow_id=str(found.flow_id), document=document, name=document.name)

    return load


def _keywords(session: Session, flow_id: UUID | None) -> tuple[KeywordOwner, ...]:
    owners: list[KeywordOwner] = []
    for other in repository.keyword_flows(session):
        if other.id == flow_id:
            continue
        for raw in other.triggers:
            trigger = TriggerSpec.model_validate(raw)
            if trigger.kind == "keyword" and trigger.words:
                owners.append(
                    KeywordOwner(
                        name=other.name,
                        words=tuple(trigger.words),
                        match_type=trigger.match_type,
                        priority=trigger.priority,
                    )
                )
    return tuple(owners)
