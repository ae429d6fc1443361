"""`bench editor`: the flow editor with many nodes in Chromium, against the running product.

For each size it prints one JSON line: milliseconds from the navigation until cards stand on the canvas and the page
talks to the server (`cold` with an empty browser cache, `warm` with a full one), frame rates while a card is dragged
and while the canvas is panned, the characters that a move and a typed sentence send and receive, and how long after
the last key of a quick and of a slow typist the card shows what the verifier finds in the sentence.
"""

import argparse
import contextlib
import itertools
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import psutil

from pytake_app.engine.document import Edge, FlowDocument, Node, Position

DEFAULT_SIZES = (300, 1000)
COLUMNS = 20
SENTENCE = " Que bom ter você por aqui! Vamos conversar? {{"
"""Its last key makes it wrong: an expression that isn't closed."""
TYPISTS = {"quick": 25, "slow": 330}
"""Milliseconds between keys."""
START_TIMEOUT = 300.0
_CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
# Polls by frame: the first time cards are drawn and the socket has hydrated the page.
_READY = """() => {
  const look = () => {
    const cards = document.querySelectorAll(".react-flow__node .nd").length;
    if (cards && !window.__firstCard) window.__firstCard = performance.now();
    if (cards && document.querySelector("[data-testid=hydrated]")) window.__ready = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
_FRAMES = """() => {
  window.__frames = [];
  const tick = (now) => { window.__frames.push(now); window.__counting && requestAnimationFrame(tick); };
  window.__counting = true;
  requestAnimationFrame(tick);
}"""
# When the last key went down, and when the card of a node first shows an error.
_ERROR = """(id) => {
  window.__key = window.__seen = 0;
  document.addEventListener("keydown", () => { window.__key = performance.now(); }, true);
  const look = () => {
    if (document.querySelector(`.react-flow__node[data-id="${id}"] .prob:not(.am)`)) window.__seen = performance.now();
    else requestAnimationFrame(look);
  };
  look();
}"""


def sample_document(size: int) -> FlowDocument:
    """A flow of `size` nodes as people draw them: messages, menus, questions, conditions, all connected."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    for index in range(size):
        kind = (
            "trigger_universal"
            if index == 0
            else ("msg_buttons", "msg_text", "question", "condition", "msg_text")[index % 5]
        )
        place = Position(x=352.0 * (index % COLUMNS), y=368.0 * (index // COLUMNS))
        nodes.append(
            Node(id=f"n{index}", type=kind, title=f"Bloco {index}", config=_config(kind, index), position=place)
        )
        ports = {"msg_buttons": ["option:a", "option:b"], "question": ["answered"], "condition": ["true", "false"]}.get(
            kind, ["next"]
        )
        for step, port in enumerate(ports):
            target = index + 1 + step * COLUMNS
            if target < size:
                edges.append(Edge(id=f"e{index}.{port}", source=f"n{index}", port=port, target=f"n{target}"))
    return FlowDocument(name=f"{size} blocos", nodes=nodes, edges=edges)


def _config(kind: str, index: int) -> dict[str, Any]:
    if kind == "msg_buttons":
        buttons = [{"id": "a", "title": "Rastrear pedido"}, {"id": "b", "title": "Falar com a gente"}]
        return {"body": f"Oi, {{{{ contact.first_name }}}}! Como posso ajudar no assunto {index}?", "buttons": buttons}
    if kind == "question":
        return {
            "body": "Me passa o *CPF* de quem fez a compra?",
            "variable": "cpf",
            "kind": "cpf",
            "retry_message": "Confira os números.",
        }
    if kind == "condition":
        return {"match": "all", "rows": [{"value": "{{ session.cpf }}", "operator": "not_empty", "compare_to": ""}]}
    return (
        {}
        if kind == "trigger_universal"
        else {"body": f"Pronto! A troca do pedido {index} está registrada ✅\nPoste a peça até sexta."}
    )


def run(argv: list[str]) -> int:
    """Entry of `./pytake bench editor`."""
    parser = argparse.ArgumentParser(prog="pytake bench editor", description=__doc__)
    parser.add_argument(
        "--nodes", type=int, action="append", help="size of the flow (may be repeated; default 300 and 1000)"
    )
    parser.add_argument("--url", help="a running PyTake; without it one is started on a throw-away data directory")
    parser.add_argument("--people", type=int, help="instead: one flow open in so many tabs; how soon edits are seen")
    parser.add_argument("--runs", type=int, default=3, help="loads per figure; the median is printed (default 3)")
    options = parser.parse_args(argv)
    with contextlib.ExitStack() as stack:
        process = None
        url = options.url
        if not url:
            url, process = stack.enter_context(_product())
        if options.people:
            sys.stdout.buffer.write(orjson.dumps(_people(url.rstrip("/"), options.people, process)) + b"\n")
            return 0
        for size in options.nodes or DEFAULT_SIZES:
            sys.stdout.buffer.write(orjson.dumps(measure(url.rstrip("/"), size, options.runs)) + b"\n")
            sys.stdout.flush()
    return 0


@contextlib.contextmanager
def _product() -> Iterator[tuple[str, psutil.Process]]:
    with tempfile.TemporaryDirectory(prefix="pytake-bench-") as folder:
        data = Path(folder)
        data.chmod(0o711)  # PostgreSQL may run under another account
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        command = [sys.executable, "-m", "pytake_app", "up", "--port", str(port), "--data-dir", folder]
        with (data / "console.log").open("wb") as output:
            # The figures are of one web worker, whatever this machine's settings say.
            one = {**os.environ, "WEB_WORKERS": "1"}
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=one)
        try:
            _wait(lambda: b"PyTake is running at" in (data / "console.log").read_bytes(), process)
            yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _wait(ready: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_TIMEOUT
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit("PyTake did not start; see `./pytake doctor`.")
        time.sleep(0.2)


def _people(url: str, people: int, process: psutil.Process | None) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    from pytake_app.bench.editor_people import measure_people

    with sync_playwright() as playwright:
        found = next((path for path in _CHROMIUM if os.access(path, os.X_OK)), None)
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            account = _account()
            flow = _flow(browser, url, account, 60)
            sign_in = {"email": account["email"], "password": account["password"]}
            return {"bench": "editor people", **measure_people(browser, url, people, flow, sign_in, process)}
        finally:
            browser.close()


def _account() -> dict[str, str]:
    email = f"bench-{uuid4().hex[:10]}@example.com"
    return {"email": email, "password": "Uma-Senha-Boa-2026", "full_name": "Bench", "organization_name": "Bench"}


def _flow(browser: Any, url: str, account: dict[str, str], size: int) -> str:
    """A new flow of a new account; its id."""
    setup = browser.new_context()
    token = setup.request.post(f"{url}/api/v1/auth/register", data=account).json()["access_token"]
    body = {"name": f"{size} blocos", "document": sample_document(size).model_dump(mode="json")}
    flow = setup.request.post(f"{url}/api/v1/flows", data=body, headers={"Authorization": f"Bearer {token}"})
    if not flow.ok:
        raise SystemExit(f"the flow could not be made: {flow.text()}")
    flow_id = str(flow.json()["id"])
    setup.close()
    return flow_id


def measure(url: str, size: int, runs: int) -> dict[str, Any]:
    """All figures for one size."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = next((path for path in _CHROMIUM if os.access(path, os.X_OK)), None)
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            return {"bench": "editor", "nodes": size, **_figures(browser, url, size, runs)}
        finally:
            browser.close()


def _figures(browser: Any, url: str, size: int, runs: int) -> dict[str, Any]:
    account = _account()
    email = account["email"]
    address = f"{url}/flows/{_flow(browser, url, account, size)}"
    cold: list[tuple[float, float]] = []
    warm: list[tuple[float, float]] = []
    drags: list[dict[str, float]] = []
    pans: list[dict[str, float]] = []
    wire: dict[str, Any] = {}
    figures: dict[str, list[float]] = {}
    for _ in range(runs):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        form = {"email": email, "password": account["password"]}
        context.request.post(f"{url}/auth/web/login", form=form, headers={"Origin": url}, max_redirects=0)
        cold.append(_load(context.new_page(), address))
        page = context.new_page()
        sent: list[str] = []
        received: list[str] = []
        _listen(page, sent, received)
        warm.append(_load(page, address))
        page.wait_for_timeout(1500)  # verification and presence have been answered
        drags.append(_drag(page))
        pans.append(_pan(page))
        wire = _move(page, sent, received)
        for name in TYPISTS:
            for key, value in _type(page, sent, received, name).items():
                figures.setdefault(f"{name}_{key}", []).append(value)
        wire["dom_elements"] = page.evaluate("document.querySelectorAll('*').length")
        context.close()
    middle = statistics.median
    return {
        "first_card_cold_ms": round(middle(first for first, _ in cold)),
        "interactive_cold_ms": round(middle(ready for _, ready in cold)),
        "first_card_warm_ms": round(middle(first for first, _ in warm)),
        "interactive_warm_ms": round(middle(ready for _, ready in warm)),
        "drag_fps": round(middle(item["fps"] for item in drags), 1),
        "drag_frame_p95_ms": round(middle(item["p95"] for item in drags), 1),
        "pan_fps": round(middle(item["fps"] for item in pans), 1),
        **wire,
        **{name: round(middle(values)) for name, values in figures.items()},
    }


def _listen(page: Any, sent: list[str], received: list[str]) -> None:
    def opened(socket_: Any) -> None:
        socket_.on("framesent", lambda payload: sent.append(str(payload)))
        socket_.on("framereceived", lambda payload: received.append(str(payload)))

    page.on("websocket", opened)


def _load(page: Any, address: str) -> tuple[float, float]:
    page.add_init_script(f"({_READY})()")
    page.goto(address, wait_until="commit")
    page.wait_for_function("window.__ready", timeout=60_000)
    first, ready = page.evaluate("[window.__firstCard, window.__ready]")
    return float(first), float(ready)


def _rate(page: Any) -> dict[str, float]:
    stamps: list[float] = page.evaluate("(window.__counting = false, window.__frames)")
    gaps = sorted(after - before for before, after in itertools.pairwise(stamps))
    return {"fps": 1000 * len(gaps) / max(1.0, stamps[-1] - stamps[0]), "p95": gaps[int(len(gaps) * 0.95)]}


def _sweep(page: Any, x: float, y: float) -> dict[str, float]:
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 4, y + 4)
    page.evaluate(f"({_FRAMES})()")
    for step in range(160):
        away = min(step, 159 - step)  # there and back, so that the flow stays as it is drawn
        page.mouse.move(x + away * 3, y + away)
    rate = _rate(page)
    page.mouse.up()
    return rate


def _drag(page: Any) -> dict[str, float]:
    box = page.locator('.react-flow__node[data-id="n1"] .hd').bounding_box()
    return _sweep(page, box["x"] + 60, box["y"] + 12)


def _pan(page: Any) -> dict[str, float]:
    box = page.locator(".cv").bounding_box()
    return _sweep(page, box["x"] + 12, box["y"] + box["height"] / 2)


def _events(frames: list[str], since: int) -> list[str]:
    return [frame for frame in frames[since:] if frame.startswith("42") and "editor_state.here" not in frame]


def _move(page: Any, sent: list[str], received: list[str]) -> dict[str, Any]:
    page.wait_for_timeout(1500)
    up, down = len(sent), len(received)
    box = page.locator('.react-flow__node[data-id="n20"] .hd').bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(box["x"] + 76, box["y"] + 44, steps=20)
    page.mouse.up()
    page.wait_for_timeout(1500)
    mine = [frame for frame in _events(received, down) if "reply" in frame]
    return {
        "move_frames_up": len(_events(sent, up)),
        "move_chars_up": sum(map(len, _events(sent, up))),
        "move_chars_down": sum(map(len, mine)),
    }


def _type(page: Any, sent: list[str], received: list[str], typist: str) -> dict[str, float]:
    """Type a wrong sentence into a message that has no error yet, and make it right again."""
    card = page.locator(".react-flow__node-msg_text:not(:has(.prob:not(.am)))").first
    node_id = card.get_attribute("data-id")
    card.locator(".hd").click()
    area = page.locator(".ins textarea").first
    area.click()
    area.press("End")
    before = area.input_value()
    page.wait_for_timeout(500)
    up, down = len(sent), len(received)
    page.evaluate(_ERROR, node_id)
    area.press_sequentially(SENTENCE, delay=TYPISTS[typist])
    page.wait_for_function("window.__seen", timeout=10_000)
    page.wait_for_timeout(2000)  # what waits longer is sent, too
    took = page.evaluate("window.__seen - window.__key")
    figures = {
        "findings_ms": took,
        "frames_up": len(_events(sent, up)),
        "chars_up": sum(map(len, _events(sent, up))),
        "frames_down": len(_events(received, down)),
    }
    area.fill(before)
    page.wait_for_timeout(1500)
    return figures
