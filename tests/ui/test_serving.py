"""What goes out over HTTP: files with the right headers, nothing outside the build, and no foreign page's socket."""

import base64
import gzip
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytake_app import pytake_app as composition
from pytake_app.pytake_app import Composite
from pytake_app.ui.serving import (
    SECURITY_HEADERS,
    Frontend,
    Receive,
    Scope,
    Send,
    foreign_origin,
    page_policy,
    plain,
    wants_json,
)

SCRIPT = "let work = 1;" * 100
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def build(tmp_path: Path) -> Path:
    client = tmp_path / "made" / "build" / "client"
    for name, text in {
        "index.html": "<title>home</title>",
        "inbox/index.html": "<title>inbox</title>",
        "login.html": "<title>login</title>",
        "404.html": "<title>shell</title>",
        "favicon.svg": "<svg/>",
        "assets/entry-Ab12.js": SCRIPT,
    }.items():
        path = client / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (client / "assets/entry-Ab12.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (client / "assets" / "big-Cd34.bin").write_bytes(os.urandom(700_000))
    (tmp_path / "secret.txt").write_text("not yours")
    (client / "link.txt").symlink_to(tmp_path / "secret.txt")
    return tmp_path / "made"


class Part:
    """Stands for the API or Reflex: answers with its name, and remembers sockets."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sockets: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            self.sockets.append(scope["path"])
            await send({"type": "websocket.accept"})
            return
        await plain(send, 200, self.name.encode(), ((b"x-part", self.name.encode()),))


@pytest.fixture
def composite(build: Path) -> Composite:
    made = Composite()
    made._api, made._reflex, made._ingest = Part("api"), Part("reflex"), Part("ingest")
    made._frontend = Frontend(build, lambda path: path.startswith("/flows/"))
    return made


@pytest.fixture
async def client(composite: Composite) -> "Iterator[httpx.AsyncClient]":
    transport = httpx.ASGITransport(app=composite)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://pytake.test") as made:
        yield made


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "title"), [("/", "home"), ("/inbox", "inbox"), ("/inbox/", "inbox"), ("/login", "login")]
)
async def test_pages_are_found_with_and_without_a_folder(client: httpx.AsyncClient, path: str, title: str) -> None:
    answer = await client.get(path, headers=BROWSER)
    assert answer.status_code == 200
    assert title in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"] == page_policy([], b"pytake.test").decode()


async def test_hashed_files_are_kept_for_ever(client: httpx.AsyncClient) -> None:
    answer = await client.get("/assets/entry-Ab12.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.text == SCRIPT
    assert "javascript" in answer.headers["content-type"]
    icon = await client.get("/favicon.svg")
    assert "immutable" not in icon.headers["cache-control"]


async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/", "/nowhere", "/favicon.svg", "/api/v1/flows", "/_health", "/assets/none.js"):
        answer = await client.get(path, headers=BROWSER)
        for name, value in SECURITY_HEADERS:
            assert answer.headers[name.decode()] == value.decode(), path


def test_policy_lets_nothing_in_from_outside() -> None:
    policy = page_policy(["'sha256-x'"], b"pytake.test:8080").decode()
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["script-src"] == "'self' 'sha256-x'"
    assert directives["connect-src"] == "'self' ws://pytake.test:8080 wss://pytake.test:8080"
    assert directives["form-action"] == "'self'"
    for name in ("default-src", "frame-ancestors", "object-src", "base-uri", "frame-src", "style-src-attr"):
        assert directives[name] == "'none'"
    assert "unsafe-eval" not in policy
    assert "http" not in policy
    assert "*" not in policy


@pytest.mark.parametrize("host", [b"", b"a b", b"x; script-src *", b"x\r\ny", b"*", b"x'", b"[::1"])
def test_a_hostile_host_does_not_reach_the_policy(host: bytes) -> None:
    assert b"connect-src 'self';" in page_policy([], host)


async def test_exactly_the_inline_scripts_of_a_page_may_run(client: httpx.AsyncClient, build: Path) -> None:
    html = """<script src="/a.js"></script><script>let a = "é";</script><script type="module" async="">b()</script>"""
    (build / "build" / "client" / "login.html").write_text(html, encoding="utf-8")
    policy = (await client.get("/login", headers=BROWSER)).headers["content-security-policy"]
    wanted = [
        f"'sha256-{base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()}'"
        for body in ('let a = "é";', "b()")
    ]
    assert f"script-src 'self' {' '.join(wanted)};" in policy


async def test_https_is_kept_once_it_is_known(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "strict-transport-security" not in (await client.get("/")).headers
    known = composition.settings().model_copy(update={"public_url": "https://pytake.test"})
    monkeypatch.setattr(composition, "settings", lambda: known)
    for path in ("/", "/api/v1/flows", "/favicon.svg"):
        assert "max-age=31536000" in (await client.get(path)).headers["strict-transport-security"]


async def test_packed_copy_goes_to_who_understands_it(client: httpx.AsyncClient, build: Path) -> None:
    answer = await client.get("/assets/entry-Ab12.js", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "accept-encoding"
    assert answer.text == SCRIPT
    assert int(answer.headers["content-length"]) < len(SCRIPT)
    bare = await client.get("/assets/entry-Ab12.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in bare.headers
    assert int(bare.headers["content-length"]) == len(SCRIPT)


async def test_unchanged_page_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/inbox")
    again = await client.get("/inbox", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    other = await client.get("/inbox", headers={"if-none-match": '"other"'})
    assert other.status_code == 200


async def test_large_file_arrives_whole(client: httpx.AsyncClient, build: Path) -> None:
    answer = await client.get("/assets/big-Cd34.bin")
    assert answer.content == (build / "build/client/assets/big-Cd34.bin").read_bytes()


async def test_head_has_headers_and_no_body(client: httpx.AsyncClient) -> None:
    answer = await client.head("/inbox")
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) > 0
    assert answer.content == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_pages_take_no_writes(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/inbox")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/../../secret.txt",
        "/assets/../../../../secret.txt",
        "/assets/..",
        "/..",
        "/link.txt",
        "/\0",
        "/index.html\0.js",
        "//etc/passwd",
    ],
)
async def test_nothing_outside_the_build_is_served(composite: Composite, path: str) -> None:
    """Straight into ASGI: clients would tidy such a path up before sending it."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await composite({"type": "http", "method": "GET", "path": path, "headers": []}, None, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 404
    assert b"not yours" not in b"".join(message.get("body", b"") for message in sent)
    assert b"root:" not in b"".join(message.get("body", b"") for message in sent)


async def test_unknown_page_is_the_shell_with_404(client: httpx.AsyncClient) -> None:
    answer = await client.get("/no/such/page", headers=BROWSER)
    assert answer.status_code == 404
    assert "shell" in answer.text


async def test_page_with_an_id_is_the_shell_with_200(client: httpx.AsyncClient) -> None:
    answer = await client.get("/flows/0191", headers=BROWSER)
    assert answer.status_code == 200
    assert "shell" in answer.text


async def test_missing_file_is_not_a_page(client: httpx.AsyncClient) -> None:
    """A script that is gone after a deploy must fail as a script, not arrive as HTML."""
    answer = await client.get("/assets/old-Zz99.js")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")


async def test_without_a_build_it_says_so(composite: Composite, client: httpx.AsyncClient) -> None:
    composite._frontend = None
    answer = await client.get("/inbox")
    assert answer.status_code == 503
    assert "./pytake up" in answer.text


# -- who answers ------------------------------------------------------------------------------------------------------


async def test_the_root_is_a_page_for_browsers_and_json_for_programs(client: httpx.AsyncClient) -> None:
    assert "home" in (await client.get("/", headers=BROWSER)).text
    assert (await client.get("/", headers={"accept": "application/json"})).headers["x-part"] == "api"
    assert "home" in (await client.get("/", headers={"accept": "*/*"})).text


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/api/v1/flows", "api"),
        ("/auth/web/login", "api"),
        ("/docs", "api"),
        ("/health", "api"),
        ("/sandbox/graph/v1/messages", "api"),
        ("/api/v1/webhooks/abc", "api"),
        ("/webhook", "ingest"),
        ("/api/v1/webhook/0191", "ingest"),
        ("/api/webhooks/whatsapp", "ingest"),
        ("/_event/", "reflex"),
    ],
)
async def test_each_path_has_its_part(client: httpx.AsyncClient, path: str, part: str) -> None:
    assert (await client.get(path)).headers["x-part"] == part


@pytest.mark.parametrize("path", ["/sandbox", "/documents", "/apiary", "/healthy", "/_eventful"])
async def test_a_prefix_is_a_whole_word(client: httpx.AsyncClient, path: str) -> None:
    assert "x-part" not in (await client.get(path, headers=BROWSER)).headers


def socket(path: str, **headers: str) -> Scope:
    return {
        "type": "websocket",
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


async def connect(composite: Composite, scope: Scope) -> dict[str, Any]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await composite(scope, None, send)  # type: ignore[arg-type]
    return sent[0]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://pytake.test.evil.example", "http://pytake.test:81", "null", "file://"]
)
async def test_another_sites_page_gets_no_socket(composite: Composite, origin: str) -> None:
    answer = await connect(composite, socket("/_event/", host="pytake.test", origin=origin))
    assert answer["type"] == "websocket.close"
    assert answer["code"] == 1008
    assert composite._reflex.sockets == []


@pytest.mark.parametrize("headers", [{"origin": "https://Pytake.test"}, {"origin": "http://pytake.test"}, {}])
async def test_our_own_page_gets_one(composite: Composite, headers: dict[str, str]) -> None:
    answer = await connect(composite, socket("/_event/", host="pytake.test", **headers))
    assert answer["type"] == "websocket.accept"


async def test_sockets_of_the_api_go_to_the_api(composite: Composite) -> None:
    await connect(composite, socket("/api/v1/ws", host="pytake.test"))
    assert composite._api.sockets == ["/api/v1/ws"]
    assert composite._reflex.sockets == []


def test_origin_and_accept_are_read_as_browsers_send_them() -> None:
    assert foreign_origin({"headers": [(b"origin", b"https://a.example"), (b"host", b"b.example")]})
    assert not foreign_origin({"headers": [(b"host", b"b.example")]})
    assert wants_json({"headers": [(b"accept", b"application/json, text/plain")]})
    assert not wants_json({"headers": [(b"accept", b"text/html,application/json")]})
    assert not wants_json({"headers": []})


# -- starting ---------------------------------------------------------------------------------------------------------


async def lifespan(composite: Composite, *incoming: str) -> list[str]:
    messages = iter([{"type": kind} for kind in incoming])
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await composite({"type": "lifespan"}, receive, send)
    return sent


async def test_failed_start_is_told_to_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("no database")

    made = Composite()
    monkeypatch.setattr(made, "_assemble", broken)
    assert await lifespan(made, "lifespan.startup") == ["lifespan.startup.failed"]


async def test_pages_with_an_id_are_known_to_the_router() -> None:
    assert composition.app.router("/flows/0191") is not None
    assert composition.app.router("/no/such/page") is None
