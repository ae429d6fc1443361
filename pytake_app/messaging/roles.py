"""The pipeline's roles, as the command line starts them. Each runs until SIGTERM, then finishes what it holds."""

from __future__ import annotations

from pytake_app.core.services import Services


def run_worker(services: Services, *, name: str | None = None) -> None:
    """Drain lanes as RQ jobs ask for it. Blocks."""
    raise NotImplementedError


def run_outbox(services: Services) -> None:
    """Send what is due. Blocks."""
    raise NotImplementedError


def run_scheduler(services: Services) -> None:
    """Fire timers, sweep for lost wake-ups and stuck rows, keep the house. Blocks."""
    raise NotImplementedError
