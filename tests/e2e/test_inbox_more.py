"""More of the inbox in browsers: what may not be sent, templates, merging, a viewer; and thousands of rows."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Locator, expect
from sqlalchemy import text

from tests.e2e.axe import complaints
from tests.e2e.colleague import Colleague
from tests.e2e.inbox_page import Inbox, Phone, somebody
from tests.product import Product
from tests.waiting import wait_until

CONTACT = "Maria Souza"
ROWS = 5000
MESSAGES = 3000

_MANY = text(
    """
    WITH people AS (
        INSERT INTO contacts (id, organization_id, name, phone, fields, tags, lifecycle, lead_score, consent, blocked,
                              created_at, updated_at)
        SELECT gen_random_uuid(), o.organization_id, 'Pessoa ' || n, '55119' || lpad(n::text, 8, '0'), '{}', '[]',
               'new', 0, 'unknown', false, now(), now()
        FROM (SELECT organization_id FROM users WHERE email = :email) o, generate_series(1, :rows) n
        RETURNING id, organization_id, name
    )
    INSERT INTO conversations (id, organization_id, contact_id, channel_account_id, channel, status, priority, handling,
                               queue_name, tags, unread_count, last_message_at, last_message_preview,
                               last_message_direction, last_inbound_at, window_expires_at, handoff, created_at,
                               updated_at)
    SELECT gen_random_uuid(), p.organization_id, p.id, a.id, 'whatsapp', 'open', 'medium', 'bot', '', '[]', 0,
           now() - substr(p.name, 8)::int * interval '1 minute', 'Oi', 'in', now(), now() + interval '20 hours', '{}',
           now(), now()
    FROM people p JOIN channel_accounts a ON a.organization_id = p.organization_id
    """
)
_LONG = text(
    """
    INSERT INTO messages (id, created_at, organization_id, conversation_id, contact_id, channel_account_id, channel,
                          direction, type, text, content, status, errors, author_kind)
    SELECT uuidv7(at - now()), at, c.organization_id, c.id, c.contact_id, c.channel_account_id, c.channel, 'in', 'text',
           'Linha ' || n || repeat(' e mais', n % 23), '{}', 'received', '[]', 'contact'
    FROM conversations c JOIN contacts p ON p.id = c.contact_id AND p.name = :name
    JOIN users u ON u.organization_id = c.organization_id AND u.email = :email,
    generate_series(1, :messages) n,
    LATERAL (SELECT now() - (:messages - n) * interval '3 seconds' - interval '1 minute' AS at) said
    """
)
_WINDOW_OVER = text(
    "UPDATE conversations SET window_expires_at = now() - interval '1 minute' FROM users"
    " WHERE users.organization_id = conversations.organization_id AND users.email = :email"
)


def _top_row(box: Locator, item: str, word: str) -> tuple[str, float]:
    """What is read at the top of a list, and how far below its upper edge it stands."""
    found = box.evaluate(
        """(box, [item, word]) => {
          const edge = box.getBoundingClientRect().top;
          const rows = [...box.querySelectorAll(item)].filter((row) => row.getBoundingClientRect().top >= edge);
          const first = rows.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)[0];
          const words = first ? new RegExp(word).exec(first.textContent)?.[0] : "";
          return [words ?? "", first ? first.getBoundingClientRect().top - edge : 0];
        }""",
        [item, word],
    )
    return str(found[0]), float(found[1])


def test_what_may_not_be_sent_templates_merging_and_a_viewer(browser: Browser, running_app: Product) -> None:
    ana = somebody(browser, running_app.url)
    viewer = Colleague(browser, ana, running_app.data_dir, name="Olga Reis", role="viewer")
    phone = Phone(ana)
    phone.says("oi", name=CONTACT)
    inbox, glass = Inbox(ana), Inbox(viewer)
    inbox.open(CONTACT)
    inbox.at("off-take-over").or_(inbox.at("take-over")).first.click()
    expect(inbox.at("composer")).to_be_visible()

    # A viewer reads everything, and nothing can be pressed; what happens shows without a reload.
    glass.open(CONTACT)
    expect(glass.at("composer-off")).to_have_attribute("data-reason", "viewer")
    for test_id in ("take-over", "close", "transfer", "snooze", "owner", "mode-note", "mark", "contact-more"):
        expect(glass.at(test_id)).to_have_count(0)
    inbox.write("Olá, tudo bem?")
    expect(glass.bubble("Olá, tudo bem?")).to_be_visible()
    phone.says("Tudo, e você?")
    expect(glass.bubble("Tudo, e você?")).to_be_visible()
    assert complaints(glass.page) == []

    # Outside the service window: the reason, and templates with their values filled in, as the contact will read it.
    viewer.sql(_WINDOW_OVER, email=ana.email)
    inbox.page.reload()
    expect(inbox.at("composer-off")).to_have_attribute("data-reason", "window_closed")
    inbox.at("off-template").click()
    inbox.at("template-search").fill("lembrete")
    inbox.at("template").filter(has_text="pt_BR").click()
    expect(inbox.at("template-send")).to_be_disabled()
    expect(inbox.at("value-1")).to_have_value("Maria")
    inbox.at("value-2").fill("12/12")
    inbox.at("value-3").fill("14:30")
    expect(inbox.at("template-preview")).to_contain_text("marcado para 12/12 às 14:30")
    assert complaints(inbox.page, "[data-testid=template-values]") == []
    inbox.at("template-send").click()
    body = phone.got("template")["template"]
    assert [one["text"] for one in body["components"][0]["parameters"]] == ["Maria", "12/12", "14:30"]
    expect(inbox.bubble("12/12")).to_be_visible()
    expect(glass.bubble("12/12")).to_be_visible()

    # Blocked: nothing goes out, not even a template; undone, it does again. Whoever wants nothing gets nothing.
    inbox.at("contact-more").click()
    inbox.at("block").click()
    expect(inbox.at("composer-off")).to_have_attribute("data-reason", "contact_blocked")
    expect(inbox.at("off-template")).to_have_count(0)
    thread = inbox.page.url.split("c=")[1]
    message = {"type": "text", "text": "Oi"}
    refused = ana.context.request.post(
        f"{ana.url}/api/v1/conversations/{thread}/messages", data=message, headers=ana.bearer
    )
    assert (refused.status, refused.json()["code"]) == (409, "contact_blocked")
    inbox.at("contact-more").click()
    inbox.at("block").click()
    expect(inbox.at("composer-off")).to_have_attribute("data-reason", "window_closed")
    phone.says("SAIR")
    expect(inbox.at("composer-off")).to_have_attribute("data-reason", "contact_opted_out")

    # Two that are one person: the other's conversation goes on under the one that is kept.
    other = ana.context.request.post(
        f"{ana.url}/api/v1/contacts", data={"name": "Mariazinha", "phone": "5511977776666"}, headers=ana.bearer
    )
    assert other.ok, other.text()
    inbox.at("contact-more").click()
    inbox.at("merge").click()
    inbox.at("merge-search").fill("Mariazinha")
    inbox.at("merge-dialog").get_by_test_id("pick").click()
    expect(inbox.at("merge-dialog")).to_contain_text("Mariazinha")
    assert complaints(inbox.page, "[data-testid=merge-dialog]") == []
    inbox.at("merge-confirm").click()
    expect(inbox.at("merge-dialog")).to_have_count(0)
    wait_until(lambda: not ana.get("/contacts/search?q=Mariazinha")["items"], timeout=15)
    assert inbox.faults == []
    assert glass.faults == []
    for person in (ana, viewer):
        person.context.close()


def test_thousands_of_rows_and_messages_keep_ones_place(browser: Browser, running_app: Product) -> None:
    """Lists draw what is seen and no more; whoever reads far down stays there while news come in."""
    ana = somebody(browser, running_app.url)
    helper = Colleague(browser, ana, running_app.data_dir, name="Rui Melo", role="agent")
    phone = Phone(ana)
    phone.says("oi", name=CONTACT)
    helper.sql(_MANY, email=ana.email, rows=ROWS)
    helper.sql(_LONG, email=ana.email, name=CONTACT, messages=MESSAGES)
    inbox = Inbox(ana)
    page = inbox.page
    expect(inbox.row(CONTACT)).to_be_visible()

    # Down through the list, page after page.
    rows = page.locator(".ix-list [data-virtuoso-scroller]")
    rows.hover()

    def down() -> bool:
        page.mouse.wheel(0, 6000)
        found = re.search(r"\d+", _top_row(rows, "[data-testid=conversation]", r"Pessoa \d+")[0])
        return found is not None and int(found[0]) > 400

    wait_until(down, timeout=60)
    assert page.locator("[data-testid=conversation]").count() < 80
    page.wait_for_function(
        "() => { const at = document.querySelector('.ix-list [data-virtuoso-scroller]').scrollTop;"
        " const still = window.__at === at; window.__at = at; return still; }",
        polling=200,
    )
    before = _top_row(rows, "[data-testid=conversation]", r"Pessoa \d+")
    phone.says("Tem alguém aí?")
    wait_until(lambda: ana.get("/conversations?limit=1")["items"][0]["last_message"]["preview"] != "oi", timeout=15)
    expect(inbox.at("tab-all")).to_contain_text(re.compile(r"5[.,]?001"))
    after = _top_row(rows, "[data-testid=conversation]", r"Pessoa \d+")
    # A row came in above: what one reads may move by one row, never away.
    first, second = (int(re.search(r"\d+", one[0])[0]) for one in (before, after))  # type: ignore[index]
    assert abs(first - second) <= 1

    # Up through a long thread: older pages come in front of what is read, which stays where it is.
    inbox.page.goto(f"{ana.url}/inbox")
    inbox.open(CONTACT)
    thread = page.locator(".ix-msgs [data-virtuoso-scroller]")
    expect(inbox.bubble("Tem alguém aí?")).to_be_visible()
    thread.hover()

    def up() -> bool:
        page.mouse.wheel(0, -4000)
        found = re.search(r"\d+", _top_row(thread, "[data-testid=bubble]", r"Linha \d+")[0])
        return found is not None and int(found[0]) < MESSAGES - 250

    wait_until(up, timeout=60)
    assert page.locator("[data-testid=bubble]").count() < 80
    page.wait_for_function(
        "() => { const at = document.querySelector('.ix-msgs [data-virtuoso-scroller]').scrollTop;"
        " const still = window.__at === at; window.__at = at; return still; }",
        polling=200,
    )
    seen = _top_row(thread, "[data-testid=bubble]", r"Linha \d+")
    phone.says("E agora?")
    expect(inbox.at("new-pill")).to_be_visible(timeout=45_000)  # on a machine that is busy with thousands of rows
    assert _top_row(thread, "[data-testid=bubble]", r"Linha \d+")[0] == seen[0]
    inbox.at("new-pill").click()
    expect(inbox.bubble("E agora?")).to_be_in_viewport()
    assert inbox.faults == []
    for person in (ana, helper):
        person.context.close()
