"""What the API hears and says about the cost of flows. All prices are in millionths of the currency."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from pytake_app.engine.analysis.conversation import PathStep
from pytake_app.engine.analysis.cost import CostRange
from pytake_app.engine.analysis.paths import PathEnd
from pytake_app.flows.schemas import Request

MAX_PRICE = 1_000_000_000
Source = Literal["draft", "live"]


class SupposedPrices(Request):
    """Prices to reckon with instead of the organization's; null: its own."""

    service: int | None = Field(default=None, ge=0, le=MAX_PRICE)
    marketing: int | None = Field(default=None, ge=0, le=MAX_PRICE)
    utility: int | None = Field(default=None, ge=0, le=MAX_PRICE)
    authentication: int | None = Field(default=None, ge=0, le=MAX_PRICE)


class CostRequest(Request):
    """What to reckon."""

    source: Source = "draft"
    limit: int = Field(default=50, ge=1, le=200, description="paths at most")
    prices: SupposedPrices | None = None


class PricesUsed(BaseModel):
    """Price of one message by category. `free_utility_in_window`: a utility template in the service window is free."""

    currency: str
    service: int
    marketing: int
    utility: int
    authentication: int
    free_utility_in_window: bool


class PathRange(BaseModel):
    """A loop-free path and what a conversation along it costs. `most_*` null: without bound, where an answer that isn't
    understood is asked again for ever. `partial`: a flow that is entered could not be looked into."""

    steps: list[PathStep]
    ends: PathEnd
    least_messages: int
    most_messages: int | None
    least_billable: int
    most_billable: int | None
    least_price: int
    most_price: int | None
    partial: bool


class CostView(BaseModel):
    """What one conversation costs: over all (`overall`), from each trigger (`entries`), on each path.

    `least_*` over all and by trigger count the contact who stops answering. `templates_known`: false while templates
    were never fetched; then each counts as marketing, the dearest kind.
    """

    source: Source
    revision: int | None
    version: int | None
    prices: PricesUsed
    templates_known: bool
    overall: CostRange
    entries: list[CostRange]
    truncated: bool
    paths: list[PathRange]
