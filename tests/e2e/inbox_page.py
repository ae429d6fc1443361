"""The inbox as its people handle it: an agent's open page, and the contact's sandbox phone by its API."""

import struct
import zlib
from typing import Any
from uuid import uuid4

from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.editor_page import Person
from tests.waiting import wait_until

Json = dict[str, Any]


def png(width: int = 160, height: int = 120) -> bytes:
    """A small picture: a field of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\x00" + b"\x2a\x9d\x8f" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def wav(seconds: float = 1.0) -> bytes:
    """A sound that swells."""
    rate = 8000
    samples = [int(12000 * (i / (rate * seconds)) * (1 if i % 20 < 10 else -1)) for i in range(int(rate * seconds))]
    data = struct.pack(f"<{len(samples)}h", *samples)
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16,
                       b"data", len(data))  # fmt: skip
    return head + data


class Phone:
    """The contact's phone of an organization's sandbox number."""

    def __init__(self, person: Person) -> None:
        self._person = person
        (account,) = person.get("/sandbox")["items"]
        self._base = f"{person.url}/api/v1/sandbox/{account['id']}"

    def says(self, text: str = "", **message: Any) -> Json:
        """Send a message as the contact: a text, or another kind by its fields."""
        body = {"type": "text", "text": text, **message}
        answer = self._person.context.request.post(f"{self._base}/messages", data=body, headers=self._person.bearer)
        assert answer.ok, answer.text()
        return dict(answer.json())

    def sends_file(self, kind: str, name: str, mime: str, data: bytes, **message: Any) -> Json:
        """Upload a file on the phone and send it."""
        file = {"file": {"name": name, "mimeType": mime, "buffer": data}}
        answer = self._person.context.request.post(f"{self._base}/media", multipart=file, headers=self._person.bearer)
        assert answer.ok, answer.text()
        return self.says(type=kind, media_id=answer.json()["id"], **message)

    def received(self) -> list[Json]:
        """What reached the phone, oldest first, as the platform's JSON with its `external_id`."""
        answer = self._person.context.request.get(f"{self._base}/messages", headers=self._person.bearer)
        items = [item for item in answer.json()["items"] if item["direction"] == "to_phone"]
        return [{**item["body"], "external_id": item["external_id"]} for item in items]

    def got(self, kind: str, text: str = "") -> Json:
        """Wait for a message of this kind that holds the text; answers it."""

        def look() -> Json | None:
            found = [one for one in self.received() if one.get("type") == kind and text in str(one)]
            return found[-1] if found else None

        wait_until(lambda: look() is not None, timeout=15)
        found = look()
        assert found is not None
        return found

    def looks(self) -> None:
        """The contact reads the chat."""
        self._person.context.request.post(f"{self._base}/read", data={}, headers=self._person.bearer)


class Inbox:
    """One open inbox."""

    def __init__(self, person: Person, path: str = "/inbox", *, width: int = 1440, height: int = 900) -> None:
        self.page: Page = person.context.new_page()
        self.page.set_viewport_size({"width": width, "height": height})
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.goto(f"{person.url}{path}")
        expect(self.page.get_by_test_id("hydrated")).to_be_attached()

    def at(self, test_id: str) -> Locator:
        """Elements by their test id."""
        return self.page.get_by_test_id(test_id)

    def row(self, name: str) -> Locator:
        """A conversation in the list."""
        return self.at("conversation").filter(has_text=name)

    def open(self, name: str) -> None:
        """Open a conversation from the list."""
        self.row(name).locator(".ix-open").click()
        expect(self.at("composer").or_(self.at("composer-off")).first).to_be_visible()

    def bubble(self, text: str) -> Locator:
        """A message of the thread."""
        return self.at("bubble").filter(has_text=text)

    def write(self, text: str) -> None:
        """Write in the composer and send."""
        self.at("composer").fill(text)
        self.at("composer").press("Enter")


def somebody(browser: Browser, url: str) -> Person:
    """A new organization's owner, called Ana, and nothing chosen yet in their browser."""
    person = Person(browser, url)
    person.context.grant_permissions(["microphone", "clipboard-read", "clipboard-write"], origin=url)
    return person


def unique(word: str) -> str:
    """A word that no other test uses."""
    return f"{word}{uuid4().hex[:6]}"
