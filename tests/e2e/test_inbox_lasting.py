"""Nothing written is lost or answered twice from another device; nobody hears of what isn't theirs to see."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from playwright.sync_api import Browser, Route, expect

from tests.e2e.colleague import Colleague
from tests.e2e.editor_page import Frames, Person
from tests.e2e.inbox_page import Inbox, Phone, somebody
from tests.product import Product
from tests.waiting import wait_until

CONTACT = "Maria Souza"
OWN_ONLY = ["conversations.handle", "contacts.edit", "analytics.read", "pipeline.manage"]


def _another_device(browser: Browser, person: Person) -> Person:
    """A browser of the same person's that shares nothing with the first."""
    context = browser.new_context(locale="pt-BR", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(15_000)
    person.sign_in(context)
    return cast("Person", SimpleNamespace(context=context, url=person.url))


def _cut(route: Route) -> None:
    if route.request.method == "POST":
        route.abort("internetdisconnected")
    else:
        route.fallback()


def test_what_was_written_outlives_a_dead_line_a_reload_and_goes_with_the_person(
    browser: Browser, running_app: Product
) -> None:
    ana = somebody(browser, running_app.url)
    phone = Phone(ana)
    phone.says("oi", name=CONTACT)
    inbox = Inbox(ana)
    page = inbox.page
    inbox.open(CONTACT)
    inbox.at("off-take-over").or_(inbox.at("take-over")).first.click()
    expect(inbox.at("composer")).to_be_visible()

    # The line is dead: the message says so, and is still there after leaving the conversation and after a reload.
    page.route("**/conversations/*/messages", _cut)
    inbox.write("Chega na sexta")
    lost = inbox.bubble("Chega na sexta")
    expect(lost).to_have_attribute("data-failed", "true")
    expect(page.locator(".ix-fail")).to_contain_text("Sem conexão")
    page.go_back()
    expect(lost).to_have_count(0)
    page.go_forward()
    expect(lost).to_have_attribute("data-failed", "true")
    page.reload()
    expect(lost).to_have_attribute("data-failed", "true")
    assert not [one for one in phone.received() if "Chega na sexta" in str(one)]

    # Thrown away it stays away; what only the line kept here leaves by itself when the line is back, once.
    inbox.write("Esta não")
    expect(inbox.at("discard")).to_have_count(2)
    inbox.at("discard").last.click()
    expect(inbox.bubble("Esta não")).to_have_count(0)
    page.unroute("**/conversations/*/messages", _cut)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    phone.got("text", "Chega na sexta")
    expect(lost).to_have_count(1)
    expect(lost).not_to_have_attribute("data-failed", "true")
    page.reload()
    expect(lost).to_have_count(1)
    expect(inbox.at("retry")).to_have_count(0)
    assert [str(one).count("Chega na sexta") for one in phone.received() if "sexta" in str(one)] == [1]

    # What is begun on one device goes on at another, and isn't left standing here once it was sent there.
    second = _another_device(browser, ana)
    other = Inbox(second)
    other.open(CONTACT)
    inbox.at("composer").fill("O vaso sai hoje")
    expect(inbox.row(CONTACT).locator(".lucide-pencil")).to_be_visible()
    expect(other.at("composer")).to_have_value("O vaso sai hoje")
    other.at("composer").press("Enter")
    phone.got("text", "O vaso sai hoje")
    expect(inbox.at("composer")).to_have_value("")
    expect(inbox.row(CONTACT).locator(".lucide-pencil")).to_have_count(0)
    assert inbox.faults == []
    assert other.faults == []
    second.context.close()
    ana.context.close()


def test_who_sees_only_their_own_loses_what_is_given_away_and_hears_no_more_of_it(
    browser: Browser, running_app: Product
) -> None:
    ana = somebody(browser, running_app.url)
    juliana = Colleague(browser, ana, running_app.data_dir, name="Juliana Prado", role="agent")
    changed = ana.context.request.put(
        f"{ana.url}/api/v1/roles/agent", data={"permissions": OWN_ONLY}, headers=ana.bearer
    )
    assert changed.ok, changed.text()
    me = next(one for one in ana.get("/users")["items"] if one["full_name"] == "Juliana Prado")
    phone = Phone(ana)
    phone.says("oi", name=CONTACT)
    wait_until(lambda: bool(ana.get("/conversations")["items"]), timeout=15)
    (thread,) = ana.get("/conversations")["items"]

    def give(user_id: str | None) -> None:
        url, body = f"{ana.url}/api/v1/conversations/{thread['id']}", {"user_id": user_id}
        path = "assign" if user_id else "take-over"
        answer = ana.context.request.post(f"{url}/{path}", data=body if user_id else {}, headers=ana.bearer)
        assert answer.ok, answer.text()

    frames = Frames()
    mine = Inbox(juliana)
    frames.watch(mine.page)
    mine.page.reload()
    expect(mine.at("hydrated")).to_be_attached()
    expect(mine.page.locator("html[data-stream=live]")).to_be_attached()
    expect(mine.at("conversation")).to_have_count(0)

    # Given to her it comes by itself; taken away it goes by itself, out of the list and off the screen.
    give(me["id"])
    mine.open(CONTACT)
    expect(mine.at("owner")).to_contain_text("você")
    give(None)
    expect(mine.at("conversation")).to_have_count(0)
    expect(mine.page.get_by_text("Esta conversa não existe")).to_be_visible()
    expect(mine.at("tab-all")).to_contain_text("0")

    # What is said meanwhile doesn't reach her browser, not even by its id.
    said: list[dict[str, Any]] = []
    for words in ("Segredo um", "Segredo dois"):
        phone.says(words)
        wait_until(lambda words=words: words in str(ana.get(f"/conversations/{thread['id']}/messages")), timeout=15)  # type: ignore[misc]
        said += [one for one in ana.get(f"/conversations/{thread['id']}/messages")["items"] if one["text"] == words]
    give(me["id"])
    expect(mine.row(CONTACT)).to_contain_text("Segredo dois")
    assert not [frame for frame in frames.down if said[0]["id"] in frame]
    assert mine.faults == []
    for person in (ana, juliana):
        person.context.close()
