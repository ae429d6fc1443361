"""Every page in a real browser: quiet, self-contained, frugal, usable on a phone, in three languages and two themes."""

import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.axe import complaints
from tests.e2e.browsing import (
    GUEST_PAGES,
    MAX_FRAME,
    PASSWORD,
    SIGNED_IN_PAGES,
    Notes,
    open_page,
    register,
    session_cookie,
)
from tests.e2e.editor_page import box_of
from tests.product import Product
from tests.waiting import wait_until

PHONE = {"width": 390, "height": 844}
TABLET = {"width": 768, "height": 1024}
DESK = {"width": 1440, "height": 900}
HEADINGS = {
    "/start": ("Começar", "Get started", "Empezar"),
    "/inbox": ("Caixa de entrada", "Inbox", "Bandeja de entrada"),
    "/sandbox": ("Celular de teste", "Sandbox phone", "Teléfono de prueba"),
}


@pytest.fixture(scope="module")
def account(running_app: Product, browser: Browser) -> Any:
    """One organization for the module; tests take its cookies into contexts of their own."""
    context = browser.new_context(locale="pt-BR")
    page = context.new_page()
    register(page, running_app.url)
    page.get_by_test_id("phone-input").fill("oi")
    page.get_by_test_id("phone-send").click()
    page.get_by_test_id("phone-button").first.wait_for()
    state = context.storage_state()
    context.close()
    state["origins"] = []
    return state


class Tabs:
    """Makes signed-in or anonymous tabs, and closes them."""

    def __init__(self, browser: Browser, origin: str, state: Any) -> None:
        self._browser, self.origin, self._state = browser, origin, state
        self.contexts: list[BrowserContext] = []

    def __call__(self, *, guest: bool = False, **options: Any) -> tuple[Page, Notes]:
        options = {"locale": "pt-BR", "viewport": DESK, "timezone_id": "America/Sao_Paulo", **options}
        context = self._browser.new_context(storage_state=None if guest else self._state, **options)
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        return self.beside(context)

    def beside(self, context: BrowserContext) -> tuple[Page, Notes]:
        """One more tab in a context: what it loads is there already."""
        page = context.new_page()
        notes = Notes(self.origin)
        notes.take_from(page)
        return page, notes


@pytest.fixture
def tabs(browser: Browser, running_app: Product, account: Any) -> Iterator[Tabs]:
    made = Tabs(browser, running_app.url, account)
    yield made
    for context in made.contexts:
        context.close()


def own_tab(tabs: Tabs) -> tuple[Page, Notes]:
    """A tab with an account of its own: a chosen language is kept in the account, which the other tests share."""
    page, notes = tabs(guest=True)
    register(page, tabs.origin)
    return page, notes


def settled(page: Page) -> None:
    """Wait until skeletons have given way."""
    expect(page.locator("[aria-busy='true']")).to_have_count(0)


def in_groups(size: int, pages: Sequence[str] = (*SIGNED_IN_PAGES, *GUEST_PAGES)) -> list[Any]:
    """All pages, a few at a time: what they wait for they wait for together."""
    groups = [pages[at : at + size] for at in range(0, len(pages), size)]
    return [pytest.param(group, id=" ".join(group)) for group in groups]


def in_both_themes(page: Page) -> list[str]:
    """What axe finds on a page whose system is light and then turns dark."""
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        expect(page.locator("html")).to_have_class(theme)
        found += [f"{theme}: {line}" for line in complaints(page)]
    return found


@pytest.mark.parametrize("paths", in_groups(10))
def test_pages_are_quiet_self_contained_frugal_and_accessible(tabs: Tabs, paths: list[str]) -> None:
    opened: list[tuple[str, Page, Notes]] = []
    contexts: dict[bool, BrowserContext] = {}
    for path in paths:
        guest = path in GUEST_PAGES
        page, notes = tabs.beside(contexts[guest]) if guest in contexts else tabs(guest=guest)
        contexts[guest] = page.context
        open_page(page, tabs.origin + path)
        settled(page)
        if path == "/inbox":
            page.locator("html[data-stream=live]").wait_for(state="attached")  # its own socket stands
        assert page.url.endswith(path)
        assert notes.received, f"{path} talks to the server"
        assert max(notes.received) < MAX_FRAME
        opened.append((path, page, notes))
    before = [(path, len(notes.received), len(notes.events_sent())) for path, _, notes in opened]
    page.wait_for_timeout(2500)  # idle on purpose: the claim is that nothing happens
    assert [(path, len(notes.received), len(notes.events_sent())) for path, _, notes in opened] == before
    assert {path: found for path, page, _ in opened if (found := in_both_themes(page))} == {}
    assert {path: notes.errors for path, _, notes in opened if notes.errors} == {}
    assert {path: notes.foreign for path, _, notes in opened if notes.foreign} == {}


@pytest.mark.parametrize("paths", in_groups(8))
def test_no_sideways_scrolling_on_small_screens(tabs: Tabs, paths: list[str]) -> None:
    found = {}
    seen: dict[bool, Page] = {}
    for path in paths:
        guest = path in GUEST_PAGES
        page = seen.get(guest) or tabs(guest=guest, viewport=PHONE, locale="es")[0]
        seen[guest] = page
        page.set_viewport_size(PHONE)
        open_page(page, tabs.origin + path)
        settled(page)
        found[path, "phone"] = page.evaluate(_STICKS_OUT)
        page.set_viewport_size(TABLET)  # as a phone that becomes a tablet by being turned or unfolded
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        found[path, "tablet"] = page.evaluate(_STICKS_OUT)
    assert {where: what for where, what in found.items() if what} == {}


_STICKS_OUT = """() => {
  const limit = document.documentElement.clientWidth;
  const scrolls = (el) => {
    for (let at = el.parentElement; at && !at.matches("main, .pg, .main, .app, .top"); at = at.parentElement)
      if (/auto|scroll/.test(getComputedStyle(at).overflowX)) return true;
    return false;
  };
  const out = document.documentElement.scrollWidth > limit ? ["html"] : [];
  for (const el of document.querySelectorAll("main button, main a, main input, main h1, main h2, header *"))
    if (el.checkVisibility() && el.getBoundingClientRect().right > limit + 1 && !scrolls(el))
      out.push(el.className + ": " + el.textContent.slice(0, 40));
  return out;
}"""


def test_first_steps_begin_at_the_top_on_a_phone(tabs: Tabs) -> None:
    page, _ = tabs(viewport=PHONE)
    open_page(page, f"{tabs.origin}/start")
    settled(page)
    expect(page.get_by_text("Seu robô responde em dois minutos")).to_be_in_viewport()


def test_inbox_on_a_phone_shows_the_list_then_the_thread_and_back(tabs: Tabs) -> None:
    page, _ = tabs(viewport=PHONE)
    open_page(page, f"{tabs.origin}/inbox")
    page.get_by_test_id("tab-all").click()
    row = page.get_by_test_id("conversation").first
    row.click()
    expect(page.get_by_test_id("take-over").or_(page.get_by_test_id("give-back")).first).to_be_visible()
    expect(row).to_be_hidden()
    name = box_of(page.locator(".ix-head .who .str"))
    acts = box_of(page.get_by_test_id("take-over").first)
    assert name["width"] > 40
    assert name["x"] + name["width"] <= acts["x"]
    page.get_by_role("button", name="Voltar à lista").click()
    expect(row).to_be_visible()


def test_language_changes_at_once_without_reload_or_frame(tabs: Tabs) -> None:
    page, notes = own_tab(tabs)
    for path, (portuguese, english, spanish) in HEADINGS.items():
        open_page(page, tabs.origin + path)
        settled(page)
        page.evaluate("() => { window.sameDocument = true; }")
        heading = page.get_by_role("heading", level=1).first
        for label, code, wanted in (
            ("English", "en", english),
            ("Español", "es", spanish),
            ("Português", "pt-BR", portuguese),
        ):
            before = len(notes.events_sent())
            page.locator("header.top .only-wide button").first.click()
            page.get_by_role("menuitem", name=label).click()
            expect(heading).to_have_text(wanted)
            expect(page.locator("html")).to_have_attribute("lang", code)
            assert len(notes.events_sent()) == before
            expect(page.get_by_role("menu")).to_have_count(0)
        assert page.evaluate("() => window.sameDocument") is True
    assert notes.errors == []


def test_chosen_language_is_remembered(tabs: Tabs) -> None:
    page, _ = own_tab(tabs)
    open_page(page, f"{tabs.origin}/inbox")
    page.locator("header.top .only-wide button").first.click()
    page.get_by_role("menuitem", name="Español").click()
    open_page(page, f"{tabs.origin}/sandbox")
    expect(page.get_by_role("heading", level=1).first).to_have_text("Teléfono de prueba")


def test_theme_follows_the_system_and_the_choice(tabs: Tabs) -> None:
    page, notes = tabs(color_scheme="dark")
    open_page(page, f"{tabs.origin}/inbox")
    html = page.locator("html")
    expect(html).to_have_class("dark")
    dark = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    before = len(notes.events_sent())
    page.locator("header.top .only-wide button").nth(1).click()
    page.get_by_role("menuitem", name="Tema claro").click()
    expect(html).to_have_class("light")
    expect(page.locator("body")).not_to_have_css("background-color", dark)
    assert len(notes.events_sent()) == before
    page.reload()
    expect(html).to_have_class("light")


def test_command_palette_is_the_browsers_own(tabs: Tabs) -> None:
    page, notes = tabs()
    open_page(page, f"{tabs.origin}/inbox")
    settled(page)
    before = len(notes.events_sent())
    page.keyboard.press("Control+k")
    palette = page.get_by_role("combobox")
    expect(palette).to_be_focused()
    palette.fill("fluxos")
    expect(page.get_by_role("option", name="Fluxos").first).to_be_visible()
    assert len(notes.events_sent()) == before
    page.keyboard.press("Tab")
    expect(palette).to_be_focused()
    page.keyboard.press("Escape")
    expect(palette).to_have_count(0)
    page.get_by_role("link", name="Fluxos").focus()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Fluxos")).to_be_focused()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("Boas-vindas")
    found = page.get_by_role("option").filter(has_text="Boas-vindas")
    expect(found).to_be_visible()
    expect(page.get_by_text("Nada encontrado")).to_have_count(0)
    found.click()
    page.wait_for_url("**/flows/**")


def test_keys_typed_in_a_field_stay_there(tabs: Tabs) -> None:
    page, _ = tabs()
    open_page(page, f"{tabs.origin}/inbox")
    side = page.locator("html").get_attribute("data-side")
    page.get_by_test_id("inbox-search").fill("")
    page.get_by_test_id("inbox-search").press_sequentially("jk[ern")
    expect(page.get_by_test_id("inbox-search")).to_have_value("jk[ern")
    expect(page.locator("html")).to_have_attribute("data-side", side or "full")
    page.get_by_test_id("inbox-search").blur()
    page.keyboard.press("[")
    expect(page.locator("html")).to_have_attribute("data-side", "rail" if side == "full" else "full")


def test_lost_connection_is_said_quietly_and_heals(tabs: Tabs) -> None:
    page, notes = tabs()
    open_page(page, f"{tabs.origin}/inbox")
    page.get_by_test_id("tab-all").click()
    page.get_by_test_id("conversation").first.click()
    banner = page.get_by_role("status").get_by_text("Sem conexão")
    expect(banner).to_have_count(0)
    page.context.set_offline(True)
    expect(banner).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("phone").or_(page.get_by_role("log"))).to_be_visible()
    page.context.set_offline(False)
    expect(banner).to_have_count(0, timeout=60_000)
    assert notes.errors == []


def test_unknown_address_has_words_and_a_way_out(tabs: Tabs) -> None:
    page, notes = tabs(guest=True, locale="es")
    answer = page.goto(f"{tabs.origin}/no/such/page")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="Página no encontrada")).to_be_visible()
    page.get_by_role("link", name="Ir al inicio").click()
    page.wait_for_url("**/login**")
    assert notes.errors == []


@pytest.mark.parametrize("paths", in_groups(8, [*SIGNED_IN_PAGES, "/inbox?c=0191", "/flows/0191"]))
def test_strangers_are_led_to_the_sign_in_page(tabs: Tabs, paths: list[str]) -> None:
    page, notes = tabs(guest=True)
    for path in paths:
        page.goto(tabs.origin + path)
        page.wait_for_url("**/login?next=**")
        page.get_by_test_id("hydrated").wait_for(state="attached")
        expect(page.get_by_test_id("email")).to_be_visible()
        assert "Casa Aurora" not in page.content()
        # Or the next wait could be satisfied by this page's own address. A page of the same site, because a blank one
        # would end the browser's process and have the next address begin with a new one.
        page.goto(f"{tabs.origin}/robots.txt")
    assert notes.foreign == []


def test_signing_in_leads_back_and_a_wrong_password_says_so(browser: Browser, running_app: Product, tabs: Tabs) -> None:
    page, _ = tabs(guest=True)
    email = register(page, running_app.url)
    page.goto("about:blank")  # a page that is left alone would lead to the sign-in by itself, any moment
    page.context.clear_cookies()
    page.goto(f"{running_app.url}/sandbox")
    page.wait_for_url("**/login?next=**")
    page.get_by_test_id("hydrated").wait_for(state="attached")
    then = page.locator("input[name=next]")
    expect(then).to_have_value("/sandbox")
    page.get_by_test_id("email").fill(email)
    page.get_by_test_id("password").fill("nao-e-esta-senha")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("auth-error")).to_be_visible()
    expect(page.get_by_test_id("email")).to_have_value(email)
    expect(page.get_by_test_id("password")).to_have_value("")
    expect(then).to_have_value("/sandbox")
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("submit").click()
    page.wait_for_url("**/sandbox")


def status_with(origin: str, token: str) -> int:
    request = urllib.request.Request(f"{origin}/api/v1/flows", headers={"Cookie": f"pytake_session={token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_leaving_ends_the_session_everywhere_the_cookie_went(running_app: Product, tabs: Tabs) -> None:
    page, notes = tabs(guest=True)
    register(page, running_app.url)
    token = session_cookie(page.context)
    assert status_with(running_app.url, token) == 200
    page.locator(".me").click()
    page.get_by_role("menuitem", name="Sair", exact=True).click()
    page.wait_for_url("**/login**")
    assert notes.errors == []
    assert session_cookie(page.context) == ""
    wait_until(lambda: status_with(running_app.url, token) == 401, message="the old cookie is dead")
    page.context.add_cookies([{"name": "pytake_session", "value": token, "url": running_app.url}])
    page.goto(f"{running_app.url}/inbox")
    page.wait_for_url("**/login**")


# -- accessibility ----------------------------------------------------------------------------------------------------


def test_axe_would_find_something(tabs: Tabs) -> None:
    page, _ = tabs(guest=True)
    open_page(page, f"{tabs.origin}/login")
    page.evaluate(
        "() => { document.querySelector('h1').style.color = 'silver'; document.querySelector('label').remove(); }"
    )
    assert {line.split(":")[0] for line in complaints(page)} >= {"color-contrast"}


def test_axe_finds_nothing_serious_beside_a_refused_field(tabs: Tabs) -> None:
    page, _ = tabs(guest=True)
    open_page(page, f"{tabs.origin}/register?error=email_taken")
    assert in_both_themes(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_a_thread_and_its_overlays(tabs: Tabs, theme: str) -> None:
    page, _ = tabs(color_scheme=theme)
    open_page(page, f"{tabs.origin}/inbox")
    page.get_by_test_id("tab-all").click()
    page.get_by_test_id("conversation").first.click()
    page.locator(".bub").first.wait_for()
    assert complaints(page) == []
    page.locator(".why").first.click()
    expect(page.get_by_test_id("why")).to_contain_text("Espera a escolha")  # of this visit, not of a later one
    assert complaints(page) == []
    page.keyboard.press("Escape")
    page.get_by_test_id("me").click()
    page.get_by_role("menu").wait_for()
    assert complaints(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").wait_for()
    assert complaints(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_a_phone(tabs: Tabs, theme: str) -> None:
    page, _ = tabs(color_scheme=theme, viewport=PHONE)
    open_page(page, f"{tabs.origin}/inbox")
    page.get_by_test_id("tab-all").click()
    page.get_by_test_id("conversation").first.wait_for()
    assert complaints(page) == []
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("dialog").wait_for()
    assert complaints(page) == []
