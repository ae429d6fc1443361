"""Many take conversations at once: each has one agent in the end. The full 10,000 are in `./pytake bench inbox`."""

from __future__ import annotations

from pytake_app.bench import inbox_distribution as bench
from pytake_app.core.db import Database
from pytake_app.core.services import Services
from pytake_app.queues import tending
from tests.queues.conftest import Shop


def test_nobody_is_given_twice_however_many_try_at_once(shop: Shop, clean_db: Database) -> None:
    answers, faults = bench.contend(clean_db, count=400, at_once=8)
    assert faults == []
    assert answers["picked"] + answers["assigned"] > 0
    assert set(answers) <= {
        "picked", "assigned", "accepted", "distributed", "nothing_to_distribute", "nobody_waits", "at_capacity",
        "forbidden", "unavailable", "item_not_offered", "item_ended",
    }  # fmt: skip


def test_everybody_is_distributed_once_and_nobody_has_more_than_they_take(shop: Shop, clean_db: Database) -> None:
    hall = bench.fill(clean_db, queued=60, agents=10, capacity=5)
    services: Services = shop.services
    assert tending.tend(services, hall.organization_id) == 50
    assert tending.tend(services, hall.organization_id) == 0
    assert bench.wrong(clean_db, hall) == []
