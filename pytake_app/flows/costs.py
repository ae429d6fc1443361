"""What conversations with a flow cost: fewest and most charged messages, from each trigger and on each path."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session

from pytake_app.core.tenancy import Principal, Role
from pytake_app.engine.analysis.cost import CostRange, cost, path_costs
from pytake_app.engine.analysis.paths import FlowPath, paths
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.findings import Prices, VerifyEnv
from pytake_app.flows import repository
from pytake_app.flows.cost_schemas import CostRequest, CostView, PathRange, PricesUsed
from pytake_app.flows.environment import verify_env


def flow_cost(session: Session, principal: Principal, ref: UUID | str, request: CostRequest) -> CostView:
    """The cost of the draft, or of the live version.

    Raises:
        NotFoundError: no such flow; the live version is asked for and nothing is published.
    """
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    live = request.source == "live"
    raw = repository.version(session, flow.id, flow.live_version or 0).document if live else flow.draft_document
    document = FlowDocument.model_validate(raw)
    env = verify_env(session, flow.id, document)
    prices = _prices(env, request)
    env = env.model_copy(update={"prices": prices})
    whole = cost(document, env=env)
    found = paths(document, request.limit, drive=False)
    return CostView(
        source=request.source,
        revision=None if live else flow.draft_revision,
        version=flow.live_version if live else None,
        prices=PricesUsed.model_validate(prices, from_attributes=True),
        templates_known=env.template_facts is not None,
        overall=whole.overall,
        entries=whole.entries,
        truncated=found.truncated,
        paths=[
            PathRange(steps=path.steps, ends=path.ends, **one.model_dump(exclude={"node_id", "kind"}))
            for path, one in zip(found.paths, costs_of(document, found.paths, env), strict=True)
        ],
    )


def _prices(env: VerifyEnv, request: CostRequest) -> Prices:
    """The organization's prices with what the request supposes instead."""
    prices = env.prices or Prices()
    supposed = request.prices.model_dump(exclude_none=True) if request.prices is not None else {}
    return prices.model_copy(update=supposed)


def costs_of(document: FlowDocument, found: Sequence[FlowPath], env: VerifyEnv) -> list[CostRange]:
    """What a conversation along each path costs."""
    return path_costs(document, [[step.node_id for step in path.steps] for path in found], env=env)
