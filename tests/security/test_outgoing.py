"""Every way out of the process is known: who makes connections, and that what tenants name goes through the guard."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pytake_app.outgoing import http as outgoing_http
from tests.api.fixtures import Caller

PACKAGE = Path(outgoing_http.__file__).parents[1]
CLIENTS = {
    "httpx", "aiohttp", "requests", "urllib.request", "urllib3", "http.client", "smtplib", "ftplib", "telnetlib",
    "imaplib", "poplib", "websockets", "websocket", "openai", "httpx_aiohttp", "paramiko", "xmlrpc.client",
}  # fmt: skip
# Rooms of benches and of the product's own tests under fire talk to the product itself.
OURSELVES = ("bench/", "chaos/")
WAYS_OUT = {
    "outgoing/http.py": "calls of flows and media that tenants name: GuardedTransport",
    "outgoing/ai.py": "the provider that the operator names (OPENAI_BASE_URL)",
    "outgoing/mail.py": "the mail server that the operator names (SMTP_URL)",
    "channels/whatsapp/client.py": "Graph at the operator's address; media only at Meta's hosts over https (may_fetch)",
    "channels/whatsapp/leaving.py": "bodies of the client's requests",
    "channels/lean/transport.py": "the client's sends, to where it says",
    "channels/lean/connection.py": "the same: one connection",
    "channels/lean/dial.py": "the same: how it is opened",
    "channels/lean/answer.py": "the same: what is heard",
    "channels/whatsapp/simulator.py": "the sandbox's phone, to our own loopback",
    "embedded/up.py": "our own /ready",
}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def outward(path: Path) -> bool:
    return any(name in CLIENTS or name.split(".")[0] in CLIENTS for name in imports(path))


def modules() -> dict[str, Path]:
    every = {str(path.relative_to(PACKAGE)): path for path in sorted(PACKAGE.rglob("*.py"))}
    return {name: path for name, path in every.items() if not name.startswith(OURSELVES)}


def test_who_makes_connections_is_known() -> None:
    found = {name for name, path in modules().items() if outward(path)}
    assert found - set(WAYS_OUT) == set(), "a new way out: say here where it leads, and guard it if tenants name it"


def test_the_reader_sees_clients(tmp_path: Path) -> None:
    for source in ("import httpx", "from urllib import request", "import urllib.request", "from aiohttp import web"):
        module = tmp_path / "module.py"
        module.write_text(source)
        assert outward(module), source


def test_sockets_are_opened_by_nobody_else() -> None:
    """No raw connections: `socket.create_connection`, `asyncio.open_connection` and their kin."""
    doers = {"create_connection", "open_connection", "open_unix_connection", "connect_ex", "urlopen"}
    found = {}
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr in doers:
                found[name] = called.attr
    known = {"embedded/up.py", "embedded/redis.py", "embedded/postgres.py", "channels/lean/dial.py"}
    assert set(found) <= known, found


def test_clients_for_tenants_have_the_guard_and_follow_nothing_by_themselves() -> None:
    """In `outgoing/http.py` every client is given the guarded transport; proxies of the environment don't count."""
    tree = ast.parse((PACKAGE / "outgoing" / "http.py").read_text(encoding="utf-8"))
    clients = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr.endswith("Client")
    ]
    assert clients
    for client in clients:
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in client.keywords}
        assert given["transport"].startswith("GuardedTransport(")
        assert given["follow_redirects"] == given["trust_env"] == "False"


def test_graph_clients_do_not_follow_redirects() -> None:
    source = (PACKAGE / "channels" / "whatsapp" / "client.py").read_text(encoding="utf-8")
    assert "follow_redirects=True" not in source


@pytest.mark.parametrize("field", ["api_base_url", "base_url", "settings"])
def test_tenants_do_not_say_where_graph_is(caller: Caller, field: str) -> None:
    value = {"api_base_url": "http://169.254.169.254"} if field == "settings" else "http://169.254.169.254"
    body = {"name": "Loja", "phone_number_id": "1234567890", "access_token": "x" * 40, field: value}
    answer = caller.post("/api/v1/whatsapp/numbers", json=body)
    assert answer.status_code == 422, answer.text
    assert field in answer.text
