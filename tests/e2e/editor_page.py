"""The flow editor as a person handles it: sign in, open, drag, connect, read. Used by the editor's browser tests."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

PASSWORD = "Uma-Senha-Boa-2026"
Json = dict[str, Any]


def node(node_id: str, type_: str, x: int, y: int, title: str = "", **config: object) -> Json:
    """A node of a document."""
    return {"id": node_id, "type": type_, "title": title, "config": config, "position": {"x": x, "y": y}}


def edge(source: str, port: str, target: str) -> Json:
    """An edge of a document."""
    return {"id": f"{source}:{port}", "source": source, "port": port, "target": target}


def small_flow() -> Json:
    """A trigger, a greeting, a menu with two buttons, two answers."""
    buttons = [{"id": "sim", "title": "Sim, quero"}, {"id": "nao", "title": "Agora não"}]
    return {
        "name": "Convite",
        "nodes": [
            node("inicio", "trigger_keyword", 0, 0, "Convite", words=["convite"], match_type="contains"),
            node("ola", "msg_text", 352, 0, "Saudação", body="Olá, {{ contact.first_name }}!"),
            node("menu", "msg_buttons", 704, 0, "Quer vir?", body="Quer vir à inauguração?", buttons=buttons),
            node("aceita", "msg_text", 1056, -96, "Aceitou", body="Que bom! Até sábado."),
            node("recusa", "msg_text", 1056, 160, "Recusou", body="Tudo bem, fica para a próxima."),
        ],
        "edges": [
            edge("inicio", "next", "ola"),
            edge("ola", "next", "menu"),
            edge("menu", "option:sim", "aceita"),
            edge("menu", "option:nao", "recusa"),
        ],
    }


@dataclass
class Frames:
    """What went over the page's socket, in characters."""

    up: list[str] = field(default_factory=list)
    down: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Listen to every socket of the page."""
        page.on("websocket", self._opened)

    def _opened(self, socket: Any) -> None:
        socket.on("framesent", lambda payload: self.up.append(str(payload)))
        socket.on("framereceived", lambda payload: self.down.append(str(payload)))

    def events(self, handler: str) -> list[str]:
        """The frames that called a handler of the editor."""
        return [frame for frame in self.up if f"editor_state.{handler}" in frame]

    @contextmanager
    def during(self) -> Iterator["Frames"]:
        """Only what passes inside the block (pings and presence apart)."""
        seen = Frames()
        up, down = len(self.up), len(self.down)
        yield seen
        seen.up = [frame for frame in self.up[up:] if frame.startswith("42") and "editor_state.here" not in frame]
        seen.down = [frame for frame in self.down[down:] if frame.startswith("42")]


class Person:
    """Somebody with an account, and a browser context signed in as them."""

    def __init__(self, browser: Browser, url: str, *, locale: str = "pt-BR", **context: Any) -> None:
        self.url = url
        self.email = f"{uuid4().hex[:12]}@example.com"
        self.parked: list[Page] = []
        self.context: BrowserContext = browser.new_context(
            locale=locale, viewport={"width": 1440, "height": 900}, **context
        )
        self.context.set_default_timeout(15_000)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
        body = {
            "email": self.email,
            "password": PASSWORD,
            "full_name": "Rafael Nunes",
            "organization_name": "Casa Aurora",
        }
        answer = self.context.request.post(f"{url}/api/v1/auth/register", data=body)
        assert answer.ok, answer.text()
        self.bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        self.sign_in(self.context)

    def sign_in(self, context: BrowserContext) -> None:
        """Give a context this person's session cookie, as the sign-in form does."""
        form = {"email": self.email, "password": PASSWORD}
        answer = context.request.post(
            f"{self.url}/auth/web/login", form=form, headers={"Origin": self.url}, max_redirects=0
        )
        assert answer.status == 303, answer.text()

    def speaks(self, locale: str) -> None:
        """Keep a language in their account: pt_BR, en or es."""
        answer = self.context.request.patch(f"{self.url}/api/v1/auth/me", data={"locale": locale}, headers=self.bearer)
        assert answer.ok, answer.text()

    def flow(self, document: Json | None = None) -> str:
        """A new flow of theirs; its id."""
        body = {"name": "Convite", **({"document": document} if document else {})}
        answer = self.context.request.post(f"{self.url}/api/v1/flows", data=body, headers=self.bearer)
        assert answer.ok, answer.text()
        return str(answer.json()["id"])

    def draft(self, flow_id: str) -> Json:
        """The draft's document as the server has it."""
        answer = self.context.request.get(f"{self.url}/api/v1/flows/{flow_id}", headers=self.bearer)
        return dict(answer.json()["draft"]["document"])

    def get(self, path: str) -> Json:
        """Any API answer."""
        return dict(self.context.request.get(f"{self.url}/api/v1{path}", headers=self.bearer).json())


class Editor:
    """One open editor."""

    def __init__(self, person: Person, flow_id: str, context: BrowserContext | None = None) -> None:
        self.person, self.flow_id = person, flow_id
        parked = person.parked if context is None else []
        self.page: Page = parked.pop() if parked else (context or person.context).new_page()
        self.frames = Frames()
        self.frames.watch(self.page)
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.open()

    def open(self) -> None:
        """Open the flow and wait until page, socket and cards are there."""
        self.page.goto(f"{self.person.url}/flows/{self.flow_id}")
        self.page.wait_for_selector("[data-testid=hydrated]", state="attached")
        self.page.wait_for_selector(".react-flow__node .nd, .react-flow__node .sticky")
        settled(self.page)

    def card(self, node_id: str) -> Locator:
        """The card of a node."""
        return self.page.locator(f'.react-flow__node[data-id="{node_id}"]')

    def port(self, node_id: str, port: str) -> Locator:
        """The round end of an exit."""
        return self.card(node_id).locator(f'[data-port="{port}"]')

    def select(self, node_id: str) -> None:
        """Click a card's head."""
        self.card(node_id).locator(".hd").click()

    def field(self, path: str) -> Locator:
        """A control of the inspector."""
        return self.page.locator(f'.ins [data-field="{path}"]')

    def saved(self) -> None:
        """Wait until the server has everything."""
        expect(self.page.get_by_test_id("saved-state")).to_have_attribute("data-state", "saved")

    def document(self) -> Json:
        """The server's draft, after everything was saved."""
        self.saved()
        return self.person.draft(self.flow_id)

    def node(self, node_id: str) -> Json:
        """A node of the server's draft."""
        return dict(next(item for item in self.document()["nodes"] if item["id"] == node_id))

    def links(self) -> set[tuple[str, str, str]]:
        """Edges of the server's draft: (source, port, target)."""
        return {(item["source"], item["port"], item["target"]) for item in self.document()["edges"]}

    def drag(self, start: Locator, x: float, y: float, *, steps: int = 12, drop: bool = True) -> None:
        """Drag from the middle of something to a point of the window, with the mouse."""
        box = box_of(start)
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.page.mouse.down()
        self.page.mouse.move(x, y, steps=steps)
        if drop:
            self.page.mouse.up()

    def connect(self, source: str, port: str, target: str) -> None:
        """Drag an exit onto a card."""
        settled(self.page)
        box = box_of(self.card(target).locator(".tg"))
        self.drag(self.port(source, port), box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def from_palette(self, kind: str, x: float, y: float) -> None:
        """Drag a block from the palette to a point of the window."""
        canvas = self.page.get_by_test_id("canvas")
        box = box_of(canvas)
        cards = self.page.locator(".react-flow__node")
        there = cards.count()
        self.page.get_by_test_id(f"palette-{kind}").last.drag_to(
            canvas, target_position={"x": x - box["x"], "y": y - box["y"]}
        )
        expect(cards).to_have_count(there + 1)

    def free_spot(self) -> tuple[float, float]:
        """A point of the canvas with nothing on it."""
        box = box_of(self.page.get_by_test_id("canvas"))
        return box["x"] + box["width"] * 0.45, box["y"] + box["height"] * 0.8

    def done(self) -> None:
        """No script error happened; close the page."""
        assert self.faults == []
        self.page.close()

    def park(self) -> None:
        """No script error happened; the person's next editor opens in this tab.

        It leaves the site's document, with what the tab remembers, but not the browser's process: one that has the
        scripts compiled opens the page in a quarter of the work. Not for tabs that were resized, emulate something or
        have a devtools session.
        """
        assert self.faults == []
        self.page.unroute_all()
        self.page.mouse.move(-1, -1)  # or it would hover over something of the next page
        self.page.goto(f"{self.person.url}/robots.txt")
        self.page.evaluate("() => sessionStorage.clear()")
        self.person.parked.append(self.page)


def settled(page: Page) -> None:
    """Wait until the canvas stands still: no zoom or pan under way (d3 keeps it on the element), cards measured."""
    page.wait_for_function(
        """() => {
          const canvas = document.querySelector(".react-flow__renderer");
          if (!canvas) return true;
          const cards = [...canvas.querySelectorAll(".react-flow__node")];
          const hidden = cards.some((card) => card.style.visibility === "hidden");
          const moving = canvas.__transition || canvas.__zooming || hidden;
          const at = canvas.querySelector(".react-flow__viewport").style.transform;
          const times = !moving && window.__still?.at === at ? window.__still.times + 1 : 0;
          window.__still = times < 3 ? { at, times } : null;
          return times >= 3;
        }""",
        polling=40,
    )


def picks(editor: Editor, *ids: str) -> None:
    """Wait until exactly these blocks are selected."""
    editor.page.wait_for_function(
        """(wanted) => {
          const on = [...document.querySelectorAll(".react-flow__node.selected")].map((card) => card.dataset.id);
          return on.sort().join() === wanted;
        }""",
        arg=",".join(sorted(ids)),
    )


def box_of(thing: Locator) -> dict[str, float]:
    """Where something is, once it has stood still for some frames."""
    box = thing.evaluate(
        """(thing) => new Promise((done) => {
          let last = "", times = 0;
          const look = () => {
            const { x, y, width, height } = thing.getBoundingClientRect();
            const now = [x, y, width, height].join();
            times = now === last ? times + 1 : 0;
            last = now;
            if (times >= 3 && width) done({ x, y, width, height });
            else requestAnimationFrame(look);
          };
          look();
        })"""
    )
    return dict(box)


def type_steadily(field: Locator, text: str) -> None:
    """Type into a text field letter by letter, by the page's own clock: however slow the machine, no letter comes late
    enough to count as a pause."""
    field.evaluate(
        """async (field, text) => {
          field.focus();
          for (const letter of text) {
            const next = new Promise((done) => setTimeout(done, 12)); // comes whatever this letter's work takes
            document.execCommand("insertText", false, letter);
            await next;
          }
        }""",
        text,
    )


def size_of(value: object) -> int:
    """Characters of a value as JSON."""
    return len(json.dumps(value))
