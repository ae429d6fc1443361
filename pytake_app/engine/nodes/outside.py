"""The HTTP call: a request to another system, and what of its answer becomes variables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import quote_plus, urlsplit

from pytake_app.engine.jsonpath import compile_path, select
from pytake_app.engine.jsontext import read_json
from pytake_app.engine.limits import MAX_VARIABLE_BYTES, MAX_VARIABLE_NAME
from pytake_app.engine.nodes.base import (
    PORT_ERROR,
    Config,
    ConfigIssue,
    Go,
    NodeType,
    Outcome,
    Port,
    WaitFor,
    always,
    setting,
)
from pytake_app.engine.nodes.facts import Refers, Writes
from pytake_app.engine.nodes.menus import VARIABLE_NAME
from pytake_app.engine.nodes.parts import (
    JsonTemplate,
    SecretText,
    compile_json,
    compile_secret_text,
    json_parts,
    secret_refers,
)
from pytake_app.engine.requests import (
    BasicAuth,
    HeaderLine,
    HttpRequest,
    HttpResult,
    Method,
    Part,
    patience_seconds,
)
from pytake_app.engine.scope import NAMESPACES
from pytake_app.engine.session import RequestResume, Resume
from pytake_app.engine.templating import Template, TemplateCompiler
from pytake_app.engine.visit import Visit, clip, value_size

METHODS: tuple[Method, ...] = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
AUTHS = ("none", "bearer", "basic", "api_key")
BODIES = ("none", "json", "form", "raw")
_HEADER_NAME = re.compile(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,80}$")
_RESERVED_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})


class PairRow(Config):
    """A name and its value."""

    name: str = setting("", required=True, max=200)
    value: str = setting("", variables=True, max=4000)


class SecretPairRow(PairRow):
    """A name and its value, which may name secrets."""

    value: str = setting("", variables=True, secrets=True, max=4000)


class MappingRow(Config):
    """``name`` gets what ``path`` (JSONPath) finds in the answer, else ``default``."""

    name: str = setting("", widget="variable", required=True, pattern=VARIABLE_NAME, max=MAX_VARIABLE_NAME)
    path: str = setting("", widget="jsonpath", required=True, max=300)
    default: str = setting("")


class ApiCallConfig(Config):
    """Calls another system over HTTP. ``{{ secret.NAME }}`` in headers, authentication and body stands for a
    secret of the organization: it is put in when the call is made and seen nowhere else. ``success`` is an
    answer of 200 to 299."""

    method: Method = setting("GET", widget="select", options=METHODS)
    url: str = setting("", required=True, variables=True, max=2000)
    query: list[PairRow] = setting(factory=list, widget="keyvalue", max=30)
    auth: Literal["none", "bearer", "basic", "api_key"] = setting("none", widget="select", options=AUTHS)
    token: str = setting("", variables=True, secrets=True, show_if={"auth": ["bearer"]}, required=True)
    username: str = setting("", variables=True, secrets=True, show_if={"auth": ["basic"]}, required=True)
    password: str = setting("", variables=True, secrets=True, show_if={"auth": ["basic"]})
    key_header: str = setting("X-API-Key", show_if={"auth": ["api_key"]}, required=True)
    key: str = setting("", variables=True, secrets=True, show_if={"auth": ["api_key"]}, required=True)
    headers: list[SecretPairRow] = setting(factory=list, widget="keyvalue", max=30)
    body_type: Literal["none", "json", "form", "raw"] = setting("none", widget="select", options=BODIES)
    body: str = setting(
        "", widget="json", variables=True, secrets=True, max=10_000, show_if={"body_type": ["json", "raw"]}
    )
    form: list[SecretPairRow] = setting(factory=list, widget="keyvalue", max=50, show_if={"body_type": ["form"]})
    content_type: str = setting("text/plain; charset=utf-8", show_if={"body_type": ["raw"]})
    mapping: list[MappingRow] = setting(factory=list, widget="assignments", max=30)
    status_variable: str = setting("", widget="variable", pattern=VARIABLE_NAME, advanced=True)
    response_variable: str = setting("", widget="variable", pattern=VARIABLE_NAME, advanced=True)
    timeout_seconds: float = setting(15, widget="number", ge=1, le=60, advanced=True)
    retries: int = setting(2, widget="number", ge=0, le=5, advanced=True)


@dataclass(frozen=True, slots=True)
class _Call:
    config: ApiCallConfig
    url: Template
    query: list[tuple[str, Template]]
    headers: list[tuple[str, SecretText]]
    token: SecretText
    username: SecretText
    password: SecretText
    key: SecretText
    json: JsonTemplate
    raw: SecretText
    form: list[tuple[str, SecretText]]


def _prepare(config: ApiCallConfig, texts: TemplateCompiler) -> _Call:
    def secret(source: str) -> SecretText:
        return compile_secret_text(source, texts)

    return _Call(
        config=config,
        url=texts(config.url.strip()),
        query=[(q.name, texts(q.value)) for q in config.query if q.name.strip()],
        headers=[(h.name.strip(), secret(h.value)) for h in config.headers if h.name.strip()],
        token=secret(config.token.strip()),
        username=secret(config.username),
        password=secret(config.password),
        key=secret(config.key.strip()),
        json=compile_json(config.body, texts),
        raw=secret(config.body),
        form=[(f.name, secret(f.value)) for f in config.form if f.name.strip()],
    )


def _url(visit: Visit, call: _Call) -> str | None:
    url = "".join(c for c in visit.text(call.url).strip() if c.isprintable())
    pairs = [f"{quote_plus(name)}={quote_plus(visit.text(value))}" for name, value in call.query]
    if pairs:
        base, mark, fragment = url.partition("#")
        url = base + ("&" if "?" in base else "?") + "&".join(pairs) + mark + fragment
    try:
        parsed = urlsplit(url)
        usable = parsed.scheme in ("http", "https") and bool(parsed.hostname)
    except ValueError:
        usable = False
    return url if usable and len(url) <= 8000 else None


def _header(name: str, value: list[Part]) -> HeaderLine | None:
    # A line break in a value would be a header of its own.
    clean = [part if part.secret else Part(text="".join(c for c in part.text if c.isprintable())) for part in value]
    if not _HEADER_NAME.match(name) or name.lower() in _RESERVED_HEADERS:
        return None
    return HeaderLine(name=name, value=clean)


def _headers(visit: Visit, call: _Call) -> list[HeaderLine]:
    pairs = [(name, text.parts(visit)) for name, text in call.headers]
    if call.config.auth == "bearer":
        pairs.append(("Authorization", [Part(text="Bearer "), *call.token.parts(visit)]))
    elif call.config.auth == "api_key":
        pairs.append((call.config.key_header.strip(), call.key.parts(visit)))
    lines = [_header(name, value) for name, value in pairs]
    return [line for line in lines if line is not None]


def _body(visit: Visit, call: _Call) -> tuple[list[Part], str]:
    kind = call.config.body_type
    if kind == "json":
        return json_parts(call.json, visit), "application/json"
    if kind == "raw":
        return call.raw.parts(visit), call.config.content_type
    if kind == "form":
        parts: list[Part] = []
        for number, (name, value) in enumerate(call.form):
            parts.append(Part(text=("&" if number else "") + quote_plus(name) + "="))
            parts += value.parts(visit, "form")
        return parts, "application/x-www-form-urlencoded"
    return [], ""


def _run(visit: Visit, call: _Call) -> Outcome:
    url = _url(visit, call)
    headers = _headers(visit, call)
    body, content_type = _body(visit, call)
    if visit.failed and visit.has("error"):
        return Go("error", "a text could not be rendered")
    if url is None:
        visit.error("invalid_value", "the address is not an http(s) one")
        return Go("error", "no usable address")
    config = call.config
    basic = None
    if config.auth == "basic":
        basic = BasicAuth(username=call.username.parts(visit), password=call.password.parts(visit))
    request = HttpRequest(
        method=config.method, url=url, headers=headers, basic=basic, body=body, content_type=content_type,
        timeout_seconds=config.timeout_seconds, retries=config.retries,
    )  # fmt: skip
    until = visit.now + timedelta(seconds=patience_seconds(request))
    return WaitFor("request", until, 0, f"asks {urlsplit(url).hostname}", request)


def _resume(visit: Visit, call: _Call, resume: Resume) -> Outcome:
    config = call.config
    result = resume.result if isinstance(resume, RequestResume) else None
    if not isinstance(result, HttpResult):
        visit.error("request_timeout", "no answer in time")
        return Go("error", "no answer in time")
    if config.status_variable:
        visit.set_variable(config.status_variable, result.status)
    if result.error is not None:
        visit.error("request_failed", f"the call failed: {result.error}")
        return Go("error", f"the call failed: {result.error}")
    _take(visit, config, result.text)
    why = f"status {result.status} after {result.attempts} attempt(s), {result.duration_ms} ms"
    return Go("success" if 200 <= result.status < 300 else "error", why)


def _take(visit: Visit, config: ApiCallConfig, text: str) -> None:
    """The answer as variables; what is too large for one is an error event and stays unset."""
    data: Any = None
    try:
        data = read_json(text) if text.strip() else None
        is_json = bool(text.strip())
    except ValueError:
        is_json = False
    for row in config.mapping:
        found, value = select(row.path, data) if is_json else (False, None)
        if found or row.default:
            visit.set_variable(row.name, value if found else row.default)
    if config.response_variable:
        whole = data if is_json and value_size(data) <= MAX_VARIABLE_BYTES else clip(text, MAX_VARIABLE_BYTES // 4)
        visit.set_variable(config.response_variable, whole)


def _ports(_config: ApiCallConfig) -> list[Port]:
    return [Port(id="success", label_key="port.success", required=True), PORT_ERROR]


def _texts(config: ApiCallConfig) -> list[tuple[str, str]]:
    """(pointer, text) of everything that may name secrets."""
    found = [(f"/headers/{i}/value", h.value) for i, h in enumerate(config.headers)]
    if config.auth == "bearer":
        found.append(("/token", config.token))
    elif config.auth == "basic":
        found += [("/username", config.username), ("/password", config.password)]
    elif config.auth == "api_key":
        found.append(("/key", config.key))
    if config.body_type == "form":
        found += [(f"/form/{i}/value", f.value) for i, f in enumerate(config.form)]
    elif config.body_type != "none":
        found.append(("/body", config.body))
    return found


def _refers(config: ApiCallConfig) -> list[Refers]:
    return secret_refers(_texts(config))


def _writes(config: ApiCallConfig) -> list[Writes]:
    answered = frozenset({"success"})
    writes = [
        Writes(row.name, "any", answered, f"/mapping/{i}", certain=bool(row.default))
        for i, row in enumerate(config.mapping)
        if row.name
    ]
    if config.status_variable:
        writes.append(Writes(config.status_variable, "number", answered, "/status_variable"))
        writes.append(Writes(config.status_variable, "number", frozenset({"error"}), "/status_variable", certain=False))
    if config.response_variable:
        writes.append(Writes(config.response_variable, "any", answered, "/response_variable"))
    return writes


def check_mapping(rows: list[MappingRow]) -> list[ConfigIssue]:
    """Paths that can't be read, names that are taken."""
    issues: list[ConfigIssue] = []
    for i, row in enumerate(rows):
        if row.path.strip() and compile_path(row.path) is None:
            issues.append(ConfigIssue("invalid_path", f"/mapping/{i}/path", params={"path": row.path[:80]}))
        if row.name in NAMESPACES:
            issues.append(ConfigIssue("reserved_variable_name", f"/mapping/{i}/name", params={"name": row.name}))
    return issues


def _check(config: ApiCallConfig) -> list[ConfigIssue]:
    issues: list[ConfigIssue] = []
    if config.url and "{{" not in config.url and not config.url.startswith(("https://", "http://")):
        issues.append(ConfigIssue("invalid_url", "/url", params={"url": config.url[:80]}))
    names = [(f"/headers/{i}/name", h.name) for i, h in enumerate(config.headers)]
    if config.auth == "api_key":
        names.append(("/key_header", config.key_header))
    issues += [
        ConfigIssue("invalid_header", pointer, params={"name": name[:80]})
        for pointer, name in names
        if name.strip() and (not _HEADER_NAME.match(name.strip()) or name.strip().lower() in _RESERVED_HEADERS)
    ]
    issues += check_mapping(config.mapping)
    if config.body_type != "none" and config.method in ("GET", "HEAD"):
        issues.append(ConfigIssue("body_without_effect", "/body_type", "warning", {"method": config.method}))
    return issues


API_CALL = NodeType(
    type="api_call", group="action", icon="webhook", aliases=("http_request", "http", "webhook_call"),
    config_model=ApiCallConfig, ports=_ports, prepare=_prepare, run=_run, resume=_resume, waits=always, check=_check,
    writes=_writes, refers=_refers, summary_field="url",
    default_config={"method": "GET", "url": "", "auth": "none", "body_type": "none", "mapping": []},
)  # fmt: skip
