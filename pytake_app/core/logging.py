"""Structured logs: JSON lines (or a readable console) with request and organization ids and no personal data."""

import logging
import re
import sys
from ipaddress import ip_address
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

_SECRET_KEYS = re.compile(r"token|secret|password|authorization|cookie|credential|api_key", re.IGNORECASE)
_PERSONAL_KEYS = frozenset(
    {"text", "body", "phone", "email", "name", "wa_id", "recipient", "to", "from", "payload", "content"}
)
_LONG_NUMBER = re.compile(r"\+?\d[\d\s().-]{8,}\d")
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_BEARER = re.compile(r"(?i)(bearer\s+)\S+")
# In texts that others wrote: a traceback, a library's `repr` of a request with its headers.
_NAMED_SECRET = re.compile(
    r"""(?i)((?:token|secret|password|authorization|cookie|api_key|pytake_session)\\?['"]?\s{0,4}[:=]\s{0,4})"""
    r"""('[^'\n]*'|\\?"[^"\n]*"|[^\s,;&}\])]+)"""
)
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*")


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank out secrets and personal data, by key and, for numbers and bearer tokens, by shape."""
    for key, value in event.items():
        event[key] = _redact_value(key, value)
    return event


def _redact_value(key: str, value: Any) -> Any:
    if _SECRET_KEYS.search(key) or key in _PERSONAL_KEYS:
        return "[redacted]"
    if key == "address" and isinstance(value, str) and _is_address(value):
        return value  # of the internet; it looks like a number
    if isinstance(value, str) and key not in ("timestamp", "request_id", "organization_id"):
        return _redact_text(value, numbers=not key.endswith("_id"))
    if isinstance(value, dict):
        return {inner: _redact_value(str(inner), held) for inner, held in value.items()}
    if isinstance(value, list | tuple):
        return [_redact_value(key, held) for held in value]
    return value


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def _redact_text(value: str, *, numbers: bool) -> str:
    value = _BEARER.sub(r"\1[redacted]", value)
    value = _NAMED_SECRET.sub(r"\1[redacted]", _JWT.sub("[redacted]", value))
    if "@" in value:
        value = _EMAIL.sub("[email]", value)
    return _LONG_NUMBER.sub("[number]", value) if numbers else value


def configure_logging(level: str = "INFO", *, json_lines: bool | None = None) -> None:
    """Set up structlog and the standard library's loggers alike.

    Parameters:
        level: a standard level name.
        json_lines: one JSON object a line; by default when standard error is not a terminal.
    """
    if json_lines is None:
        json_lines = not sys.stderr.isatty()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Any = structlog.processors.JSONRenderer() if json_lines else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "httpcore", "rq.worker", "alembic.runtime.migration"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
