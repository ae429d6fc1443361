"""Requests to the outside that a sprint makes, and their results. The engine emits and waits; the host performs.

Texts of a request are lists of parts, so that a secret is named (never rendered) and a contact's words can't name one.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from pytake_app.engine.jsontext import storable_text

MAX_RESPONSE_BYTES: Final = 1_000_000
MAX_TOTAL_SECONDS: Final = 180.0
"""Bound of one request with all its attempts."""

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
Encoding = Literal["plain", "json", "form"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Part(_Model):
    """A piece of a text: ``text`` as it is, or the value of the organization's ``secret``, which the host puts in
    (escaped as ``encode`` says: inside a JSON string, or a form's value)."""

    text: str = ""
    secret: str | None = None
    encode: Encoding = "plain"


class HeaderLine(_Model):
    """One header."""

    name: str
    value: list[Part]


class BasicAuth(_Model):
    """User and password of HTTP Basic."""

    username: list[Part]
    password: list[Part]


class HttpRequest(_Model):
    """An HTTP request. ``retries``: further attempts after 429, 5xx, timeouts and broken connections."""

    kind: Literal["http"] = "http"
    method: Method = "GET"
    url: str
    headers: list[HeaderLine] = Field(default_factory=list)
    basic: BasicAuth | None = None
    body: list[Part] = Field(default_factory=list)
    content_type: str = ""
    timeout_seconds: float = 15.0
    retries: int = 2
    max_bytes: int = MAX_RESPONSE_BYTES

    def secrets(self) -> set[str]:
        """Names of the secrets it needs."""
        lists = [*(h.value for h in self.headers), self.body]
        if self.basic is not None:
            lists += [self.basic.username, self.basic.password]
        return {part.secret for parts in lists for part in parts if part.secret is not None}


class AiMessage(_Model):
    """One message for the model."""

    role: Literal["system", "user", "assistant"]
    text: str


class AiRequest(_Model):
    """A completion by the configured provider. ``model`` empty: the installation's. ``json_schema``: the answer must be
    JSON of this schema."""

    kind: Literal["ai"] = "ai"
    model: str = ""
    messages: list[AiMessage]
    temperature: float = 0.0
    max_tokens: int = 500
    json_schema: dict[str, JsonValue] | None = None
    timeout_seconds: float = 30.0
    retries: int = 1


OutsideRequest = Annotated[HttpRequest | AiRequest, Field(discriminator="kind")]


class _Result(_Model):
    """What came back. Its text is one that can be stored."""

    text: str = ""

    @field_validator("text")
    @classmethod
    def _storable(cls, text: str) -> str:
        return storable_text(text)


class HttpResult(_Result):
    """What came of an HTTP request. ``error``: None when an answer came, else timeout, connection, refused (by the
    guard), too_large, unreadable, secret_missing, invalid_url, internal."""

    kind: Literal["http"] = "http"
    status: int = 0
    error: str | None = None
    attempts: int = 1
    duration_ms: int = 0


class AiResult(_Result):
    """What came of a completion. ``cost`` in the provider's currency, None when no price is set."""

    kind: Literal["ai"] = "ai"
    error: str | None = None
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    attempts: int = 1
    duration_ms: int = 0


RequestResult = Annotated[HttpResult | AiResult, Field(discriminator="kind")]


def longest_seconds(request: HttpRequest | AiRequest) -> float:
    """The longest that performing a request can take, pauses between attempts included."""
    pauses = sum(min(2.0**n, 10.0) for n in range(request.retries))
    return min(MAX_TOTAL_SECONDS, request.timeout_seconds * (request.retries + 1) + pauses)


def patience_seconds(request: HttpRequest | AiRequest) -> float:
    """How long a session waits for a result: enough for a second performer when the first one was killed."""
    return 2 * longest_seconds(request) + 60
