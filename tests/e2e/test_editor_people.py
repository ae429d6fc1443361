"""Two people in one flow, each in a browser of their own; and what happens to work when something is taken away."""

import base64
import json
import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import text

from tests.e2e.colleague import Colleague
from tests.e2e.editor_page import Editor, Person, small_flow
from tests.product import Product
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def rafael(browser: Browser, running_app: Product) -> Iterator[Person]:
    somebody = Person(browser, running_app.url)
    yield somebody
    somebody.context.close()


@pytest.fixture(scope="module")
def ana(browser: Browser, running_app: Product, rafael: Person) -> Iterator[Colleague]:
    somebody = Colleague(browser, rafael, running_app.data_dir, name="Ana Beatriz")
    yield somebody
    somebody.context.close()


def crash(editor: Editor) -> None:
    """The tab is gone without having been able to say so."""
    editor.page.evaluate("() => { window.fetch = () => new Promise(() => {}) }")
    editor.page.close()


@pytest.fixture(scope="module", autouse=True)
def crashed(rafael: Person, ana: Colleague) -> tuple[Editor, float]:
    """Ana's editor of a flow in which Rafael's tab has crashed, and when that was: before the first of these tests, so
    that the others run while his face is still there."""
    ghost = Editor(rafael, rafael.flow(small_flow()))
    witness = Editor(ana, ghost.flow_id)
    expect(witness.page.get_by_test_id("peer-face")).to_have_text("RN")
    crash(ghost)
    return witness, time.monotonic()


def test_two_people_see_each_other_and_keep_their_work(rafael: Person, ana: Colleague) -> None:
    one = Editor(rafael, rafael.flow(small_flow()))
    two = Editor(ana, one.flow_id)
    expect(one.page.get_by_test_id("peer-face")).to_have_text("AB")
    expect(two.page.get_by_test_id("peer-face")).to_have_text("RN")
    one.select("ola")
    tag = two.card("ola").get_by_test_id("peer-tag")
    expect(tag).to_have_text("Rafael Nunes")

    # Different fields of one block: both stay.
    two.select("ola")
    two.card("ola").locator(".hd").dblclick()
    two.page.keyboard.type("Boas-vindas")
    two.page.keyboard.press("Enter")
    one.field("body").fill("Oi, gente!")
    expect(two.card("ola")).to_contain_text("Oi, gente!")
    expect(one.card("ola")).to_contain_text("Boas-vindas")

    # The same field at the same time: told, with both versions; nothing is overwritten unseen.
    two.field("body").press("End")
    two.field("body").press_sequentially(" Da Ana.", delay=30)
    one.field("body").fill("Do Rafael.")
    one.saved()
    loser = one if one.page.get_by_test_id("clash").count() else two
    clash = loser.page.get_by_test_id("clash")
    expect(clash).to_contain_text("mudou isto ao mesmo tempo que você")
    mine = clash.get_by_test_id("clash-mine").inner_text()
    clash.get_by_test_id("keep-mine").click()
    expect(clash).to_have_count(0)
    other = two if loser is one else one
    expect(other.card("ola")).to_contain_text(mine)

    # Undo takes back one's own step, not the other's.
    one.select("recusa")
    one.field("body").fill("Fica para outra vez!")
    one.saved()
    two.select("aceita" if two.card("aceita").count() else "menu")
    two.page.keyboard.press("Escape")
    two.page.get_by_test_id("undo").click()
    expect(two.card("recusa")).to_contain_text("Fica para outra vez!")
    assert one.node("recusa")["config"]["body"] == "Fica para outra vez!"

    # Following: the view goes where the other one works, until one moves it oneself.
    two.page.get_by_test_id("peer-face").click()
    expect(two.page.get_by_test_id("following")).to_contain_text("Rafael Nunes")
    two.page.get_by_test_id("unfollow").click()
    expect(two.page.get_by_test_id("following")).to_have_count(0)

    # Who leaves the editor is gone at once, by a closed tab or by going elsewhere, and there again when they are back.
    face = two.page.get_by_test_id("peer-face")
    one.page.evaluate("window.__nav = document.querySelector('a[href=\"/flows\"]')?.click()")
    one.page.wait_for_url("**/flows")
    expect(face).to_have_count(0)
    one.page.go_back()
    expect(face).to_have_text("RN")
    one.page.close()
    expect(face).to_have_count(0)
    two.done()


# How many pixels of a PNG are nearly black.
_DARK = """async (saved) => {
  const image = new Image();
  image.src = `data:image/png;base64,${saved}`;
  await image.decode();
  const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, image.width, image.height);
  return data.reduce((sum, _, i) => sum + (i % 4 === 0 && data[i] + data[i + 1] + data[i + 2] < 150 ? 1 : 0), 0);
}"""


def test_junk_is_refused_in_a_sentence_and_pictures_hold_the_whole_flow(rafael: Person) -> None:
    editor = Editor(rafael, rafael.flow(small_flow()))
    page = editor.page
    editor.select("ola")
    before = editor.node("ola")["config"]["body"]
    editor.field("body").fill("x" * 500_000)
    expect(page.get_by_text("A mudança é grande demais")).to_be_visible()
    assert editor.node("ola")["config"]["body"] == before
    page.keyboard.press("Escape")
    with page.expect_download() as svg:
        page.get_by_test_id("save-as").click()
        page.get_by_test_id("save-svg").click()
    drawn = svg.value.path().read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert "foreignObject" not in drawn
    assert "@font-face" in drawn
    words = re.sub(r"<[^>]+>", " ", drawn)
    for wanted in ("Quer vir", "Sim, quero", "Agora não"):
        assert wanted in words
    with page.expect_download() as png:
        page.get_by_test_id("save-as").click()
        page.get_by_test_id("save-png").click()
    saved = png.value.path().read_bytes()
    assert saved[:8] == b"\x89PNG\r\n\x1a\n"
    # Texts are in it too: without them nothing on this light page is as dark as a title.
    assert page.evaluate(_DARK, base64.b64encode(saved).decode()) > 1000
    assert json.dumps(editor.document())
    editor.done()


def test_work_done_offline_survives_a_crash_and_meets_what_others_did(
    rafael: Person, ana: Colleague, crashed: tuple[Editor, float]
) -> None:
    one = Editor(rafael, rafael.flow(small_flow()))
    one.page.evaluate("() => { window.__test = 1 }")
    rafael.context.set_offline(True)
    one.select("ola")
    one.field("body").fill("Escrito sem rede")
    one.select("recusa")
    one.field("body").fill("Também sem rede")
    one.page.wait_for_function(
        "id => Object.entries(localStorage).some(([k, v]) => k.startsWith(`pytake_edits_${id}`) && v.includes('Tamb'))",
        arg=one.flow_id,
    )
    two = Editor(ana, one.flow_id)
    two.select("ola")
    two.field("body").fill("Da Ana, com rede")
    assert two.node("ola")["config"]["body"] == "Da Ana, com rede"
    one.page.close()  # the browser "crashes"; its storage stays
    rafael.context.set_offline(False)

    back = Editor(rafael, one.flow_id)
    expect(back.card("recusa")).to_contain_text("Também sem rede")
    clash = back.page.get_by_test_id("clash")
    expect(clash.get_by_test_id("clash-theirs")).to_have_text("Da Ana, com rede")
    expect(clash.get_by_test_id("clash-mine")).to_have_text("Escrito sem rede")
    clash.get_by_test_id("keep-theirs").click()
    assert back.node("ola")["config"]["body"] == "Da Ana, com rede"
    expect(two.card("recusa")).to_contain_text("Também sem rede")
    back.page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.startsWith('pytake_edits_'))")
    # Who crashed is gone from the others' top bar within half a minute.
    witness, since = crashed
    face = witness.page.get_by_test_id("peer-face")
    expect(face).to_have_count(0, timeout=max(15, 30 - (time.monotonic() - since)) * 1000)
    witness.done()
    back.done()
    two.done()


def test_a_deleted_flow_and_an_ended_session_lose_nothing(rafael: Person, ana: Colleague) -> None:
    one = Editor(rafael, rafael.flow(small_flow()))
    two = Editor(ana, one.flow_id)
    answer = rafael.context.request.delete(f"{rafael.url}/api/v1/flows/{one.flow_id}", headers=rafael.bearer)
    assert answer.status == 204
    expect(two.page.get_by_test_id("halted")).to_have_attribute("data-why", "deleted")
    expect(one.page.get_by_test_id("halted")).to_have_attribute("data-why", "deleted")
    two.page.get_by_test_id("restore-flow").click()
    expect(one.page.get_by_test_id("halted")).to_have_count(0)
    one.select("ola")
    one.field("body").fill("Depois da volta")
    expect(two.card("ola")).to_contain_text("Depois da volta")

    ana.sql(
        text("UPDATE auth_sessions SET revoked_at = now() FROM users u WHERE u.id = user_id AND u.email = :of"),
        of=ana.email,
    )
    two.select("recusa")
    halted = two.page.get_by_test_id("halted")
    told = one.card("recusa")
    deadline, turn = time.monotonic() + 45, 0
    while not halted.count():  # the server believes a cookie that it has just checked for some seconds
        assert time.monotonic() < deadline
        turn += 1
        words = f"Sem sessão, vez {turn}."
        two.field("body").fill(words)
        # Either it is refused, or it has come to the other one. Its passing "saving" could be over before one looks.
        wait_until(lambda words=words: halted.count() or words in told.inner_text(), timeout=20)
    expect(halted).to_have_attribute("data-why", "signed_out")
    two.field("body").fill("Escrito sem sessão")
    expect(halted).to_contain_text(re.compile("guardadas? aqui"))
    ana.sign_in(ana.context)
    two.page.get_by_test_id("sign-in-again").click()
    expect(one.card("recusa")).to_contain_text("Escrito sem sessão", timeout=20_000)
    one.done()
    two.page.close()
