"""What every page's frame asks: own status, what rings, how many wait."""

from __future__ import annotations

from pytake_app.queues import own_desk
from tests.queues.conftest import Shop


def test_the_desk_shows_what_rings_at_the_caller_and_nobody_elses(shop: Shop) -> None:
    shop.settings(ring_seconds=20)
    ana, bia = shop.agent("Ana", capacity=1), shop.agent("Bia", status="break")
    item = shop.waits("Maria")
    assert shop.tend() == 1
    with shop.rows.session() as session:
        desk = own_desk.own_desk(session, ana, clock=shop.clock)
        other = own_desk.own_desk(session, bia, clock=shop.clock)
    assert [one.id for one in desk.offers] == [item.id]
    assert desk.offers[0].offered_until is not None
    assert desk.agent is not None
    assert (desk.agent.status, desk.agent.load, desk.agent.capacity) == ("online", 1, 1)
    assert other.offers == []
    assert other.agent is not None
    assert other.agent.status == "break"


def test_how_many_wait_counts_every_queue_in_use(shop: Shop) -> None:
    sales = shop.another("Vendas")
    shop.another("Parada", is_active=False)
    shop.settings(ring_seconds=20)
    ana = shop.agent("Ana", capacity=1)
    for queue in (shop.queue, shop.queue, sales):
        shop.waits(queue=queue)
    assert shop.tend() >= 1  # one rings, and counts as waiting
    with shop.rows.session() as session:
        found = own_desk.waiting(session, ana)
    assert found.waiting == 3
    assert {one.id: one.waiting for one in found.queues if one.waiting} == {shop.queue.id: 2, sales.id: 1}
    assert len(found.queues) == len({one.id for one in found.queues})
