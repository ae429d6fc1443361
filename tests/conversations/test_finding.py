"""Finding conversations: filters, orders, saved views, search, jumping to a message; saved replies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pytake_app.api.services import Services
from pytake_app.conversations import search_index
from pytake_app.conversations.searching import fold, snippet, tsquery
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.messaging.sql import hot
from tests.api.fixtures import NewCaller
from tests.conversations.conftest import Desk

BASE = "/api/v1/conversations"


def listed(desk: Desk, **params: Any) -> list[str]:
    answer = desk.caller.get(BASE, params=params)
    assert answer.status_code == 200, answer.text
    return [row["contact"]["name"] for row in answer.json()["items"]]


def someone(desk: Desk, name: str, minutes: int, **values: Any) -> Any:
    person = desk.rows.contact(name=name, phone=f"5511900{minutes:06d}")
    at = desk.rows.clock.now() - timedelta(minutes=minutes)
    return desk.rows.conversation(person, last_message_at=at, **values)


def test_orders_and_filters_page_without_a_gap(desk: Desk) -> None:
    now = desk.rows.clock.now()
    someone(desk, "a", 1, priority="low", tags=["VIP"])
    someone(desk, "b", 2, priority="urgent", handling="waiting", waiting_since=now - timedelta(minutes=5))
    someone(desk, "c", 3, priority="high", handling="waiting", waiting_since=now - timedelta(minutes=9), unread_count=0)
    someone(desk, "d", 4, priority="urgent", snoozed_until=now + timedelta(hours=1), status="pending")
    someone(desk, "e", 5, status="closed", tags=["VIP", "Loja"])
    orders = {"newest": "abcde", "oldest": "edcba", "waiting": "cb", "priority": "bdca", "unread": "abdc"}
    for sort, wanted in orders.items():
        found, cursor = "", None
        while True:
            params = {"sort": sort, "limit": 1, **({"cursor": cursor} if cursor else {})}
            page = desk.caller.get(BASE, params=params).json()
            found += "".join(row["contact"]["name"] for row in page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert found == wanted, sort
    assert listed(desk, tag=["VIP", "Loja"]) == ["e"]
    assert listed(desk, priority=["urgent", "low"]) == ["a", "b", "d"]
    assert listed(desk, snoozed=True) == ["d"]
    assert listed(desk, snoozed=False, unread=True, status=["open"]) == ["a", "b"]
    stats = desk.caller.get(f"{BASE}/stats").json()
    assert (stats["open"], stats["snoozed"], stats["waiting"], stats["mentions"]) == (4, 1, 2, 0)


def test_rows_tell_how_far_the_last_message_came_and_what_the_queue_promised(desk: Desk) -> None:
    body = {"name": "Vendas", "color": "red", "sla_seconds": 120}
    made = desk.caller.post("/api/v1/queues", json=body)
    assert made.status_code == 201, made.text
    queue = made.json()
    first, second = someone(desk, "a", 2), someone(desk, "b", 1)
    for thread in (first, second):
        entered = desk.caller.post(f"/api/v1/queues/{queue['id']}/items", json={"conversation_id": str(thread.id)})
        assert entered.status_code == 201, entered.text
    row = {one["contact"]["name"]: one for one in desk.caller.get(BASE).json()["items"]}["b"]
    assert (row["queue_color"], row["queue_item"]["status"]) == ("red", "waiting")
    assert (row["queue_item"]["sla_seconds"], row["queue_item"]["sla_state"]) == (120, "ok")
    assert row["last_message"]["status"] is None  # it came in
    assert desk.caller.get(f"{BASE}/{second.id}").json()["queue_item"]["position"] == 2
    desk.caller.post(f"{BASE}/{second.id}/take-over")
    sent = desk.caller.post(f"{BASE}/{second.id}/messages", json={"text": "Oi"})
    assert sent.status_code == 201, sent.text
    seen = desk.caller.get(f"{BASE}/{second.id}").json()
    assert seen["last_message"]["status"] == sent.json()["status"]
    assert (seen["queue_item"]["status"], seen["queue_item"]["position"]) == ("in_service", None)
    assert desk.caller.get(f"{BASE}/{first.id}").json()["queue_item"]["position"] == 1


def test_named_in_a_note(desk: Desk) -> None:
    thread = someone(desk, "a", 1)
    someone(desk, "b", 2)
    note = {"text": "@Ana", "mentions": [str(desk.caller.user_id)]}
    desk.caller.post(f"{BASE}/{thread.id}/notes", json=note)
    assert listed(desk, mentions_me=True) == ["a"]
    assert desk.caller.get(f"{BASE}/stats").json()["mentions"] == 1


def test_views_are_kept_for_oneself_or_everybody(desk: Desk, register: NewCaller) -> None:
    someone(desk, "a", 1, priority="urgent")
    someone(desk, "b", 2)
    body = {"name": "Urgentes", "where": {"priority": ["urgent"], "status": ["open"]}}
    kept = desk.caller.post("/api/v1/inbox-views", json=body)
    assert kept.status_code == 201, kept.text
    one = f"/api/v1/inbox-views/{kept.json()['id']}"
    assert listed(desk, view=kept.json()["id"]) == ["a"]
    assert desk.caller.patch(one, json={"shared": True, "name": "Já"}).json()["shared"] is True
    assert [row["name"] for row in desk.caller.get("/api/v1/inbox-views").json()["items"]] == ["Já"]
    assert register().get(BASE, params={"view": kept.json()["id"]}).status_code == 404
    assert desk.caller.post("/api/v1/inbox-views", json={"name": "x", "where": {"colour": 1}}).status_code == 422
    assert desk.caller.delete(one).status_code == 204
    assert desk.caller.get(BASE, params={"view": kept.json()["id"]}).status_code == 404


def search(desk: Desk, q: str, **params: Any) -> list[dict[str, Any]]:
    answer = desk.caller.get(f"{BASE}/search", params={"q": q, **params})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_found_by_name_phone_and_what_was_said(desk: Desk, services: Services, register: NewCaller) -> None:
    thread = desk.rows.conversation()
    said = desk.rows.message(thread, "O pedido não chegou; código ABC-123, e-mail joao@loja.com.br")
    desk.rows.message(thread, "Obrigado pela ATENÇÃO especial")
    Scheduler(services).index_words()
    for q in ("conceicao", "MARIA", "Maria Conceição"):
        assert [hit["found_in"] for hit in search(desk, q)] == ["name"], q
    assert search(desk, "conceicao")[0]["snippet"] == "Maria [[Conceição]]"
    for q in ("+55 (11) 98765-4321", "11 98765 4321", "5511987654321", "4321", "98765-4321", "011 98765-4321"):
        assert [hit["found_in"] for hit in search(desk, q)] == ["phone"], q
    for q in ("nao chegou", "PEDIDO", "pedid", "abc-123", "joao@loja.com.br", "loja.com", '"código abc"'):
        assert [hit["message_id"] for hit in search(desk, q)] == [str(said.id)], q
    assert "[[pedido]] [[não]]" in search(desk, "pedido nao")[0]["snippet"]
    for q in ("xyz", '"abc código"', "...", "%", "_", "\\"):
        assert search(desk, q) == [], q
    assert listed(desk, q="atencao") == ["Maria Conceição"]
    assert register().get(f"{BASE}/search", params={"q": "pedido"}).json()["items"] == []


def test_short_words_are_found_where_words_begin(desk: Desk) -> None:
    for n, name in enumerate(("Zé Ruela", "Ana de Sá", "Gazeta", "Max")):
        someone(desk, name, n + 1)
    found = {
        q: {hit["conversation"]["contact"]["name"] for hit in search(desk, q)} for q in ("zé", "sá", "ze", "g", "_a")
    }
    assert found == {"zé": {"Zé Ruela"}, "sá": {"Ana de Sá"}, "ze": {"Zé Ruela"}, "g": set(), "_a": set()}
    assert listed(desk, q="ma") == ["Max"]


def test_rare_and_common_tags(desk: Desk, monkeypatch: pytest.MonkeyPatch, register: NewCaller) -> None:
    someone(desk, "a", 1, tags=["VIP", "Loja"])
    someone(desk, "b", 2, tags=["VIP"])
    someone(desk, "c", 3)
    for rare in (1_000, 0):
        monkeypatch.setattr("pytake_app.conversations.listing.RARE", rare)
        assert listed(desk, tag="VIP") == ["a", "b"], rare
        assert listed(desk, tag=["VIP", "Loja"], sort="oldest") == ["a"]
        assert listed(desk, tag="nada") == []
    assert register().get(BASE, params={"tag": "VIP"}).json()["items"] == []


def test_hits_page_newest_first(desk: Desk, services: Services) -> None:
    thread = desk.rows.conversation()
    wanted = [str(desk.rows.message(thread, f"oferta {n}").id) for n in range(5)][::-1]
    Scheduler(services).index_words()
    found: list[str] = []
    cursor: str | None = None
    while True:
        params = {"q": "oferta", "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = desk.caller.get(f"{BASE}/search", params=params).json()
        found += [hit["message_id"] for hit in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == wanted


def test_a_message_that_committed_late_is_found_too(desk: Desk, services: Services) -> None:
    """Its id is older than the last one looked at."""
    from pytake_app.core.ids import at_time, id_time, new_id

    thread = desk.rows.conversation()
    first = desk.rows.message(thread, "primeira")
    scheduler = Scheduler(services)
    scheduler.index_words()
    with desk.rows.session() as session:
        from pytake_app.conversations.models import Message

        late = Message.model_validate(first.model_dump())
        late.id = at_time(new_id(), id_time(first.id) - timedelta(seconds=5), 0)
        late.text = "atrasada"
        session.add(late)
    assert scheduler.index_words() is False
    assert [hit["message_id"] for hit in search(desk, "atrasada")] == [str(late.id)]
    with hot(services.database) as connection:
        assert search_index.catch_up(connection) is False


def test_jumping_to_a_message(desk: Desk) -> None:
    thread = desk.rows.conversation()
    ids = [str(desk.rows.message(thread, str(n)).id) for n in range(20)]
    url = f"{BASE}/{thread.id}/messages"
    page = desk.caller.get(url, params={"around": ids[10], "limit": 6}).json()
    assert [m["text"] for m in page["items"]] == ["13", "12", "11", "10", "9", "8"]
    older = desk.caller.get(url, params={"cursor": page["next_cursor"], "limit": 3}).json()
    assert [m["text"] for m in older["items"]] == ["7", "6", "5"]
    newer = desk.caller.get(url, params={"newer": page["newer_cursor"], "limit": 3}).json()
    assert [m["text"] for m in newer["items"]] == ["16", "15", "14"]
    top = desk.caller.get(url, params={"newer": newer["newer_cursor"], "limit": 10}).json()
    assert ([m["text"] for m in top["items"]], top["newer_cursor"]) == (["19", "18", "17"], None)
    other = desk.rows.conversation(desk.rows.contact(phone="5511900000001"))
    assert desk.caller.get(url, params={"around": str(desk.rows.message(other).id)}).status_code == 404


@pytest.mark.parametrize(
    ("q", "query"),
    [
        ("Pedido nº 12", "pedido:* & nº & 12"),
        ('"não chegou" loja', "(nao <-> chegou) & loja:*"),
        ("a'b & | ! ( ) :*", "a & b"),
        ("   ", None),
        ('""', None),
    ],
)
def test_what_people_type_is_a_safe_query(q: str, query: str | None) -> None:
    assert tsquery(q) == query


def test_marks_stand_where_the_words_are() -> None:
    assert snippet("Não, o PEDIDO não veio", ["nao"]) == "[[Não]], o PEDIDO [[não]] veio"
    long = "x " * 300 + "ação" + " y" * 300
    assert "[[ação]]" in snippet(long, ["acao"])
    assert len(snippet(long, ["acao"])) < 200
    assert len(fold("İstanbul Ação")) == len("İstanbul Ação")


def test_saved_replies(desk: Desk) -> None:
    url = "/api/v1/canned-responses"
    made = desk.caller.post(url, json={"shortcut": "/Pix", "text": "Chave: {{contact.name}}", "scope": "all"})
    assert (made.status_code, made.json()["shortcut"]) == (201, "pix"), made.text
    assert desk.caller.post(url, json={"shortcut": "pix", "text": "outra"}).json()["code"] == "shortcut_taken"
    own = desk.caller.post(url, json={"shortcut": "pix", "text": "minha", "scope": "person"}).json()
    desk.caller.post(url, json={"shortcut": "frete", "text": "Frete por pix"})
    desk.caller.post(f"{url}/{own['id']}/used")
    found = desk.caller.get(url, params={"q": "/pi"}).json()["items"]
    assert [row["text"] for row in found] == ["minha", "Chave: {{contact.name}}", "Frete por pix"]
    assert found[0]["uses"] == 1
    for bad in (
        {"shortcut": "a b", "text": "x"},
        {"shortcut": "x"},
        {"shortcut": "x", "text": "x", "scope": "department"},
    ):
        assert desk.caller.post(url, json=bad).status_code == 422, bad
    changed = desk.caller.patch(f"{url}/{own['id']}", json={"shortcut": "pix2", "text": "minha", "scope": "person"})
    assert changed.json()["shortcut"] == "pix2"
    assert desk.caller.delete(f"{url}/{own['id']}").status_code == 204
