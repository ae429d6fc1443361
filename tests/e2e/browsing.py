"""What the browser tests share: a tab that takes notes, a registered organization, and the list of pages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Request, WebSocket

SIGNED_IN_PAGES = (
    "/start", "/inbox", "/queues", "/queues/settings", "/team", "/sandbox", "/flows", "/gallery", "/message-queue",
    "/help/blocks",
    "/settings/channels", "/settings/profile", "/settings/organization", "/settings/plan", "/settings/inbox",
    "/settings/hours", "/settings/security", "/settings/users", "/settings/departments", "/settings/privacy",
    "/settings/roles", "/settings/api-keys", "/settings/audit",
)  # fmt: skip
GUEST_PAGES = ("/login", "/register", "/forgot", "/login/code", "/reset/x", "/invite/x", "/confirm/x")
PASSWORD = "uma-senha-boa-9"
MAX_FRAME = 64 * 1024
# Chromium's own line when a tab's network is switched off, or a page is 404 on purpose.
EXPECTED_NOISE = re.compile(r"ERR_INTERNET_DISCONNECTED|status of 404 \(Not Found\)")
# The editor asks what unsent text would do to the findings. When the text itself overtakes the question the answer is
# 409, as documented; it asks again or takes the findings that come with the text (`editor_verify.js`). The browser
# writes a line for every such answer, and nothing can keep it from doing so.
_OVERTAKEN = re.compile(r"status of 409 \(Conflict\) \S+/api/v1/flows/[0-9a-f-]{36}/verify$")


@dataclass(frozen=True)
class First:
    """Whom and which number a product finds in its environment at its first start."""

    email: str = "dona@example.com"
    password: str = "uma-senha-bem-boa"
    number: str = "106540352242922"
    business_account: str = "102290129340398"
    app_secret: str = "app-secret-of-the-story"
    verify_token: str = "verify-me"


FIRST = First()


@dataclass
class Notes:
    """What a tab did: its complaints, whom it asked, and what came over its sockets."""

    origin: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    def take_from(self, page: Page) -> None:
        """Start taking notes of a tab."""
        page.on("pageerror", lambda error: self.errors.append(f"page: {error}"))
        page.on("console", lambda line: self._said(line.type, line.text, line.location["url"]))
        page.on("request", self._asked)
        page.on("websocket", self._connected)

    def _said(self, kind: str, text: str, where: str) -> None:
        told = f"{text.strip()} {where}"
        if kind == "error" and not EXPECTED_NOISE.search(text) and not _OVERTAKEN.search(told):
            self.errors.append(f"console: {told}")

    def _asked(self, request: Request) -> None:
        if request.url.startswith(("data:", "blob:")):
            return
        if urlsplit(request.url).netloc != urlsplit(self.origin).netloc:
            self.foreign.append(request.url)

    def _connected(self, socket: WebSocket) -> None:
        if urlsplit(socket.url).netloc != urlsplit(self.origin).netloc:
            self.foreign.append(socket.url)
        socket.on("framereceived", lambda payload: self.received.append(len(payload)))
        socket.on("framesent", lambda payload: self.sent.append(str(payload)[:200]))

    def events_sent(self) -> list[str]:
        """Frames that carry an event, without the socket's own pings."""
        return [frame for frame in self.sent if frame.startswith("42")]


def open_page(page: Page, address: str) -> None:
    """Go to an address and wait until the page talks to the server."""
    page.goto(address)
    page.get_by_test_id("hydrated").wait_for(state="attached")


def register(page: Page, origin: str) -> str:
    """Make an organization as the form does; the tab ends on the first steps. Returns the e-mail.

    Handling the form itself is part of test_story.py.
    """
    email = f"ana-{uuid4().hex[:10]}@example.com"
    form = {
        "organization_name": "Casa Aurora",
        "full_name": "Ana Beatriz Conceição",
        "email": email,
        "password": PASSWORD,
        "locale": "pt_BR",
        "time_zone": "America/Sao_Paulo",
    }
    answer = page.request.post(f"{origin}/auth/web/register", form=form, headers={"Origin": origin}, max_redirects=0)
    assert (answer.status, answer.headers["location"]) == (303, "/start"), answer.text()
    open_page(page, f"{origin}/start")
    return email


def session_cookie(context: BrowserContext) -> str:
    """The value of the session cookie, empty when there is none."""
    return next(
        (str(cookie.get("value")) for cookie in context.cookies() if cookie.get("name") == "pytake_session"), ""
    )
