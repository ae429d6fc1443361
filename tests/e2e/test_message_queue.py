"""The message queue in a browser: what was given up on is tried again and arrives, what is scheduled is canceled."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import redis
from playwright.sync_api import Browser, Locator, Page, expect

from pytake_app.embedded.postgres import EmbeddedPostgres
from pytake_app.embedded.redis import EmbeddedRedis
from tests.e2e.axe import complaints
from tests.e2e.browsing import PASSWORD, open_page, register
from tests.product import Product


@pytest.fixture
def database(running_app: Product) -> Iterator[Any]:
    """The product's own database."""
    url = EmbeddedPostgres(running_app.data_dir).url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def _post(page: Page, product: Product, path: str, body: dict[str, Any]) -> Any:
    headers = {"X-PyTake-CSRF": "1", "Origin": product.url}
    answer = page.context.request.post(f"{product.url}/api/v1{path}", data=body, headers=headers)
    assert answer.ok, answer.text()
    return answer.json()


def _template(page: Page, product: Product, to: str, priority: str) -> str:
    """Schedules a template for tomorrow; the queue's id of it."""
    body = {
        "to": to,
        "message_type": "template",
        "content": {"name": "pytake_saudacao", "language": "pt_BR", "body": ["Marina"]},
        "priority": priority,
        "scheduled_at": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
    }
    return str(_post(page, product, "/queue/send", body)["id"])


def _row(page: Page, item_id: str) -> Locator:
    return page.locator(f"[data-testid=queue-row][data-id='{item_id}']")


def test_given_up_on_is_tried_again_and_scheduled_is_canceled(page: Page, running_app: Product, database: Any) -> None:
    register(page, running_app.url)
    open_page(page, f"{running_app.url}/message-queue")
    expect(page.get_by_text("Nada esperando")).to_be_visible()
    expect(page.get_by_test_id("role-senders")).to_contain_text("1")

    # What is queued while the page is open is there without a reload.
    dead, kept, dropped = (
        _template(page, running_app, f"55119876500{n:02d}", priority)
        for n, priority in enumerate(("high", "low", "normal"))
    )
    expect(_row(page, dropped)).to_contain_text("Agendada.")
    expect(page.get_by_test_id("figure-waiting")).to_contain_text("3 para mais tarde")

    # The platform's refusal is played: it stands in the row as the sender would have left it.
    database.execute(
        "UPDATE outbox SET state = 'dead', attempts = 8, finished_at = now(), last_error ="
        """ '{"kind": "permanent", "reason": "undeliverable", "code": 131026}' WHERE id = %s""",
        (dead,),
    )
    expect(page.get_by_test_id("tab-dead")).to_contain_text("1")
    page.keyboard.press("3")
    expect(_row(page, dead)).to_contain_text("Não foi possível entregar")
    expect(_row(page, dead)).to_contain_text("8 de 8")
    assert complaints(page) == []
    page.keyboard.press("j")
    expect(_row(page, dead)).to_be_focused()
    page.keyboard.press("Space")
    page.get_by_test_id("bulk-retry").click()
    expect(page.get_by_text("1 mensagem voltou à fila")).to_be_visible()
    expect(page.get_by_test_id("tab-dead")).to_contain_text("0")
    headers = {"Accept": "application/json"}
    address = f"{running_app.url}/api/v1/queue/message/{dead}"
    page.wait_for_function(
        "async (address) => (await (await fetch(address)).json()).state === 'sent'", arg=address, timeout=20_000
    )
    assert page.context.request.get(address, headers=headers).json()["external_id"]

    page.get_by_test_id("tab-queued").click()
    page.get_by_test_id("filter-priority").select_option("low")
    expect(page.get_by_test_id("queue-row")).to_have_count(1)
    expect(_row(page, kept)).to_be_visible()
    page.get_by_test_id("filter-priority").select_option("")
    _row(page, dropped).get_by_test_id("row-cancel").click()
    expect(_row(page, dropped)).to_have_count(0)
    page.get_by_role("button", name="Desfazer").click()
    expect(_row(page, dropped)).to_contain_text("Agendada.")
    _row(page, dropped).get_by_test_id("row-cancel").click()
    expect(_row(page, dropped)).to_have_count(0)
    expect(_row(page, kept)).to_be_visible()
    assert page.context.request.get(address.replace(dead, dropped), headers=headers).json()["state"] == "canceled"

    # The connection goes: what was known stays on the page, with the time it is from; then it catches up.
    page.context.set_offline(True)
    expect(page.get_by_test_id("queue-lost")).to_be_visible()
    expect(_row(page, kept)).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_test_id("queue-lost")).to_have_count(0)
    page.get_by_test_id("chart-as-table").click()
    expect(page.get_by_test_id("chart-table").get_by_role("row")).to_have_count(31)


def test_a_viewer_only_looks_and_is_told_when_nobody_sends(
    browser: Browser, page: Page, running_app: Product, database: Any
) -> None:
    email = register(page, running_app.url)
    item_id = _template(page, running_app, "5511987650009", "high")
    database.execute("UPDATE users SET role = 'viewer' WHERE email = %s", (email,))
    context = browser.new_context(locale="en-US", viewport={"width": 390, "height": 844}, color_scheme="dark")
    form = {"email": email, "password": PASSWORD}
    context.request.post(
        f"{running_app.url}/auth/web/login", form=form, headers={"Origin": running_app.url}, max_redirects=0
    )
    looking = context.new_page()
    client = redis.Redis.from_url(EmbeddedRedis(running_app.data_dir).url)
    (sender,) = running_app.role("outbox")
    try:
        open_page(looking, f"{running_app.url}/message-queue")
        expect(_row(looking, item_id)).to_be_visible()
        expect(_row(looking, item_id).get_by_test_id("row-cancel")).to_have_count(0)
        expect(looking.get_by_test_id("mark-all")).to_have_count(0)
        expect(looking.locator("body")).not_to_contain_text("5511987650009")
        # The keys act on nothing either.
        looking.keyboard.press("j")
        looking.keyboard.press("x")
        looking.keyboard.press("c")
        expect(looking.get_by_test_id("bulk-cancel")).to_have_count(0)
        expect(looking.get_by_test_id("queue-alarms").get_by_role("alert")).to_have_count(0)

        # The sender hangs, and what it said of itself has run out.
        sender.suspend()
        client.delete("pytake:alive:outbox")
        expect(looking.get_by_test_id("role-senders")).to_contain_text("0")
        expect(looking.get_by_test_id("queue-alarms")).to_contain_text("outbox")
        assert complaints(looking) == []
        looking.wait_for_function("() => document.documentElement.scrollWidth <= window.innerWidth")
        sender.resume()
        expect(looking.get_by_test_id("queue-alarms")).not_to_contain_text("outbox")
    finally:
        sender.resume()
        client.close()
        context.close()
