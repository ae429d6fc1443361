"""The shell around the engine: lock the contact, load, run, apply the events in one commit, then act on them."""

from __future__ import annotations

from dataclasses import dataclass

from pytake_app.core.services import Services


@dataclass(frozen=True, slots=True)
class DrainResult:
    """What a drain did."""

    events: int
    failed: int


def drain_lane(services: Services, lane: int) -> DrainResult:
    """Handle everything pending on `lane` (and, while at it, on other lanes that were poked)."""
    raise NotImplementedError
