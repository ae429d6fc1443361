"""The closed set of errors an adapter raises. Callers decide by ``kind``, never by a platform's code."""

from __future__ import annotations

from enum import StrEnum


class ChannelError(Exception):
    """Base of every error raised by :mod:`pytake_app.channels`."""


class MalformedBody(ChannelError):
    """A webhook body that is not the platform's format at all (for WhatsApp: not JSON)."""


class Withdrawn(ChannelError):
    """The caller said, as a request was about to leave, that it may not: nothing was sent."""


RENDER_CODES = ("too_long", "too_many", "too_few", "required", "invalid", "unsupported", "duplicate")
MEDIA_REASONS = ("too_large", "corrupt", "refused")


class RenderError(ChannelError):
    """Content that the platform would refuse. Raised before anything is sent.

    ``field`` is the path inside the content (``body``, ``buttons[1].title``), ``code`` a stable word
    (one of :data:`RENDER_CODES`), ``limit`` the documented
    bound and ``actual`` what was found (both ``None`` where no number applies). No message text is kept.
    """

    def __init__(
        self, field: str, code: str, *, limit: int | None = None, actual: int | None = None, detail: str = ""
    ) -> None:
        self.field = field
        self.code = code
        self.limit = limit
        self.actual = actual
        self.detail = detail
        parts = [f"{field}: {code}"]
        if limit is not None:
            parts.append(f"limit {limit}")
        if actual is not None:
            parts.append(f"found {actual}")
        if detail:
            parts.append(detail)
        super().__init__(", ".join(parts))

    @property
    def i18n_key(self) -> str:
        """Key of the plain sentence in the catalogues (parameters: field, limit, actual)."""
        return f"delivery.render.{self.code}"


class SendErrorKind(StrEnum):
    """What a failed call means for the message.

    retryable      the platform did not take it; the same request may be tried again
    permanent      will never succeed as it is
    reengagement   outside the service window: only a template may be sent (Meta 131047)
    rate           the number's or app's rate is used up: slow the whole number down
    pair_rate      too many messages to this one recipient: slow this conversation down
    auth           token or permission: nothing of this account will go out until a person acts
    undeliverable  this recipient can't be reached (not on WhatsApp, blocked, did not accept terms…)
    unsure         the request left, the answer never came: it may or may not have been delivered
    """

    RETRYABLE = "retryable"
    PERMANENT = "permanent"
    REENGAGEMENT = "reengagement"
    RATE = "rate"
    PAIR_RATE = "pair_rate"
    AUTH = "auth"
    UNDELIVERABLE = "undeliverable"
    UNSURE = "unsure"

    @property
    def may_retry(self) -> bool:
        """Whether sending the same request again later is safe and useful."""
        return self in _MAY_RETRY


_MAY_RETRY = frozenset({SendErrorKind.RETRYABLE, SendErrorKind.RATE, SendErrorKind.PAIR_RATE})


class SendError(ChannelError):
    """A call to the platform failed.

    ``code``/``subcode`` are the platform's, ``http_status`` the answer's (``None``: no answer),
    ``retry_after`` seconds the platform asked us to wait, ``reason`` a stable word for the catalogues,
    ``message`` the platform's own words (never contains our token; may be shown to administrators),
    ``trace_id`` what the platform's support asks for.
    """

    def __init__(
        self,
        kind: SendErrorKind,
        *,
        code: int | None = None,
        subcode: int | None = None,
        http_status: int | None = None,
        retry_after: float | None = None,
        reason: str = "unknown",
        message: str = "",
        details: str = "",
        trace_id: str | None = None,
    ) -> None:
        self.kind = kind
        self.code = code
        self.subcode = subcode
        self.http_status = http_status
        self.retry_after = retry_after
        self.reason = reason
        self.message = message
        self.details = details
        self.trace_id = trace_id
        where = f"code {code}" if code is not None else f"HTTP {http_status}" if http_status else "no answer"
        super().__init__(f"{kind.value} ({where}): {reason}")

    @property
    def i18n_key(self) -> str:
        """Key of the plain sentence in the catalogues."""
        return f"delivery.send.{self.reason}"


class MediaError(ChannelError):
    """Media that can't be fetched or stored: ``reason`` is ``too_large``, ``corrupt`` or ``refused``."""

    def __init__(self, reason: str, *, limit: int | None = None, detail: str = "") -> None:
        self.reason = reason
        self.limit = limit
        self.detail = detail
        super().__init__(": ".join(part for part in (reason, detail) if part))

    @property
    def i18n_key(self) -> str:
        """Key of the plain sentence in the catalogues."""
        return f"delivery.media.{self.reason}"
