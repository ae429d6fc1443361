"""Trying a flow out in memory: a script of inputs on the production engine; nothing is sent, nothing is stored."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlmodel import Session

from pytake_app.config import get_settings
from pytake_app.core.budget import Budget
from pytake_app.core.tenancy import Permission, Principal, Role
from pytake_app.engine import runner
from pytake_app.engine import session as engine
from pytake_app.engine.analysis.conversation import TestConversation
from pytake_app.engine.compiled import CompiledFlow
from pytake_app.engine.document import Edge, FlowDocument, Node
from pytake_app.flows import editing, repository
from pytake_app.flows.models import Flow
from pytake_app.flows.organization import org_view
from pytake_app.flows.preview_phone import RUN_SECONDS, LoadFlow, Phone
from pytake_app.flows.preview_schemas import (
    PendingRequest,
    PreviewContact,
    PreviewInput,
    PreviewRequest,
    PreviewResponse,
    PreviewResult,
    PreviewScript,
)
from pytake_app.outgoing import ai as outgoing


def preview(session: Session, principal: Principal, ref: UUID | str, request: PreviewRequest) -> PreviewResult:
    """Play the whole script through the draft or the live version.

    Ids and clock are fixed, so the same script gives the same answer. The service window counts as open from the
    beginning and again after each thing the contact does.

    Raises:
        NotFoundError: no such flow, or `source` is live and nothing is live.
        SpentError: code `run_too_long`.
    """
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    live = request.source == "live"
    raw = repository.version(session, flow.id, flow.live_version or 0).document if live else flow.draft_document
    version = flow.live_version if live else None
    phone = played(session, flow, FlowDocument.model_validate(raw), request, version=version or 0)
    stood = {step.flow_id for turn in phone.turns for step in turn.steps}
    others = [UUID(flow_id) for flow_id in stood if flow_id != str(flow.id) and repository.is_id(flow_id)]
    names = {str(key): name for key, name in repository.names(session, others).items()}
    return PreviewResult(
        turns=phone.turns,
        session=phone.summary(),
        path=phone.path(),
        revision=None if live else flow.draft_revision,
        version=version,
        findings=None if live else editing.findings_of(session, flow),
        now=phone.now,
        channel=request.channel,
        contact=phone.person(),
        window_expires_at=phone.window,
        pending=phone.waiting_call,
        flows={str(flow.id): flow.name, **names},
    )


def played(
    session: Session,
    flow: Flow,
    document: FlowDocument,
    script: PreviewScript,
    *,
    version: int = 0,
    budget: Budget | None = None,
) -> Phone:
    """The phone after the script was played through `document`, which stands in for the flow.

    Parameters:
        budget: what several scripts may use together; by default this one has a budget of its own.

    Raises:
        SpentError: code `run_too_long`.
    """
    load = _stubs(script.missing_flows) if script.other_flows == "stub" else _loader(session)
    phone = Phone(
        document=document,
        flow=runner.compile_flow(document, str(flow.id), version),
        script=script,
        load_flow=_with_itself(flow, document, load),
        organization=org_view(session),
        ai=outgoing.available(get_settings()) if script.ai is None else script.ai,
        budget=budget or Budget(RUN_SECONDS),
    )
    phone.play()
    return phone


def pending_call(
    session: Session, principal: Principal, ref: UUID | str, request: PreviewRequest
) -> PendingRequest | None:
    """The call that the script stops at, for somebody who wants it made in earnest; None when it doesn't wait for one.

    Raises:
        ForbiddenError: admins only: the call reaches the world.
    """
    principal.needs(Permission.FLOWS_EDIT)
    flow = repository.find(session, ref)
    asking = request.model_copy(update={"outside": "ask"})
    live = request.source == "live"
    raw = repository.version(session, flow.id, flow.live_version or 0).document if live else flow.draft_document
    return played(session, flow, FlowDocument.model_validate(raw), asking).waiting_call


def script_of(conversation: TestConversation) -> PreviewScript:
    """A generated conversation as a script, which takes the same path."""
    known = conversation.contact
    seed = str(known.get("id", "")).removeprefix("contact-")
    contact = PreviewContact.model_validate({key: known[key] for key in PreviewContact.model_fields if key in known})
    first = PreviewInput(
        type="start",
        node_id=conversation.trigger,
        text=conversation.text,
        selection_id=conversation.selection_id,
        after_minutes=0,
    )
    inputs = [first]
    for given in conversation.inputs:
        after = given.after_minutes
        if given.type in ("http", "ai"):
            answer = PreviewResponse(
                body=given.text if given.type == "http" else "{}",
                text=given.text if given.type == "ai" else "",
                error="timeout" if given.failed else None,
            )
            inputs.append(PreviewInput(type="answer", response=answer))
        elif given.type in ("transferred", "closed"):
            result = "closed" if given.type == "closed" else "transferred"
            inputs.append(PreviewInput.model_validate({"type": "handoff", "result": result, "after_minutes": after}))
        elif given.type in ("timeout", "delay"):
            inputs.append(PreviewInput(type="timeout"))
        else:
            inputs.append(
                PreviewInput.model_validate(
                    {
                        "type": given.type, "text": given.text, "selection_id": given.selection_id,
                        "form": given.form, "after_minutes": after,
                    }
                    | ({"media": {}} if given.type == "media" else {})
                    | ({"location": _PLACE} if given.type == "location" else {})
                )
            )  # fmt: skip
    return PreviewScript(
        inputs=inputs,
        contact=contact,
        variables=conversation.parameters,
        now=conversation.now,
        outside="ask",
        other_flows="stub",
        missing_flows=conversation.missing_flows,
        seed=seed,
        ai=any(given.type == "ai" for given in conversation.inputs),
    )


_PLACE = {"latitude": -23.5505, "longitude": -46.6333}


def _loader(session: Session) -> LoadFlow:
    """Other flows come as they are live."""
    cache: dict[str, CompiledFlow | None] = {}

    def load(wanted: engine.FlowRef) -> CompiledFlow | None:
        if wanted.flow not in cache:
            cache[wanted.flow] = _load_live(session, wanted)
        return cache[wanted.flow]

    return load


def _with_itself(flow: Flow, document: FlowDocument, others: LoadFlow) -> LoadFlow:
    """A jump to the flow itself stays in what is being tried."""

    def load(wanted: engine.FlowRef) -> CompiledFlow | None:
        if wanted.flow in {str(flow.id), flow.slug}:
            return runner.compile_flow(document, str(flow.id), wanted.version or 0)
        return others(wanted)

    return load


def _stubs(missing: list[str]) -> Callable[[engine.FlowRef], CompiledFlow | None]:
    """Other flows end at once and come back, or aren't there."""
    returns = FlowDocument(
        nodes=[Node(id="s", type="start"), Node(id="e", type="end")],
        edges=[Edge(id="e", source="s", port="next", target="e")],
    )
    compiled = runner.compile_flow(returns, "other", 1)
    return lambda wanted: None if wanted.flow in missing else compiled


def _load_live(session: Session, wanted: engine.FlowRef) -> CompiledFlow | None:
    found = repository.find_live(session, wanted.flow, wanted.version)
    if found is None:
        return None
    return runner.compile_flow(FlowDocument.model_validate(found.document), str(found.flow_id), found.version)
