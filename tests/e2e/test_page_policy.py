"""The pages' content security policy in a browser: nothing foreign runs, and what the server says is data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.conftest import REFUSED_BY_POLICY
from tests.e2e.browsing import open_page
from tests.product import Product
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page, WebSocketRoute

_INTRUDERS = """async () => {
  const ran = [];
  window.__ran = (what) => ran.push(what);
  const add = (tag, fields) => {
    const made = Object.assign(document.createElement(tag), fields);
    document.body.append(made);
    return new Promise((done) => { made.onload = () => done(true); made.onerror = () => done(false); setTimeout(() => done(false), 3000); });
  };
  add("script", { textContent: "window.__ran('inline')" });
  const box = document.createElement("div");
  box.innerHTML = `<img src="x" onerror="window.__ran('handler')">`;
  document.body.append(box);
  // Later: what the test's own tool runs may evaluate.
  await new Promise((done) => setTimeout(() => {
    try { Function("window.__ran('function')")(); } catch (refused) { ran.push(refused.name); }
    done();
  }, 10));
  const loads = [await add("script", { src: "data:text/javascript,window.__ran('data')" }), await add("iframe", { src: "/login" })];
  try { await fetch("http://127.0.0.1:9/"); ran.push("fetch"); } catch (refused) { ran.push("no fetch"); }
  return { ran, loads };
}"""  # noqa: E501


def _toast(said: str) -> str:
    event = {"name": "_call_function", "router_data": {}, "payload": {"function": said, "callback": None}}
    return "42/_event," + json.dumps(["event", {"delta": {}, "events": [event], "final": True}])


def test_nothing_foreign_runs_on_a_page(page: Page, running_app: Product) -> None:
    sockets: list[WebSocketRoute] = []

    said: list[str] = []

    def through(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(frame: str | bytes) -> None:
            said.append(str(frame))
            socket.send(frame)

        socket.on_message(server.send)
        server.on_message(pass_on)
        sockets.append(socket)

    page.route_web_socket("**/_event/**", through)
    open_page(page, f"{running_app.url}/login")

    # What the server sends is a toast, as data; code from whoever speaks in its place is none.
    sockets[-1].send(_toast('pytake:{"toast": "error", "text": "Sem permissão \\"aqui\\""}'))
    expect(page.get_by_text('Sem permissão "aqui"')).to_be_visible()
    sockets[-1].send(_toast("() => { window.__evaluated = true }"))
    sockets[-1].send(_toast('pytake:{"toast": "success", "text": "depois"}'))
    expect(page.get_by_text("depois")).to_be_visible()
    assert page.evaluate("window.__evaluated") is None
    (refused,) = REFUSED_BY_POLICY
    assert refused.startswith("_call_script Error: refused\n")
    REFUSED_BY_POLICY.clear()

    # A failure in the page is written down; Reflex would have it answered by a script that reloads the page.
    for name in ("one", "two"):
        page.evaluate(f"window.onerror('', '', 0, 0, new TypeError('Cannot read properties of null ({name})'))")
        wait_until(lambda name=name: f"of null ({name})" in running_app.logs(200), timeout=15)  # type: ignore[misc]
    assert not [frame for frame in said if "_call_script" in frame]

    found = page.evaluate(_INTRUDERS)
    assert found["ran"] == ["EvalError", "no fetch"]
    assert found["loads"][0] is False
    told = " ".join(REFUSED_BY_POLICY)
    assert all(name in told for name in ("script-src", "frame-src", "connect-src"))
    REFUSED_BY_POLICY.clear()
