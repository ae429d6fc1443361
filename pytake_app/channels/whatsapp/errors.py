"""Meta's error codes, classified once, and the reading of error answers.

Source: Cloud API, "Error codes"; Graph API, "Handling errors". ``reason`` names the plain sentence of the
catalogues (``delivery.send.<reason>``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytake_app.channels.base import JsonObject, PlatformError
from pytake_app.channels.errors import MalformedBody, SendError, SendErrorKind
from pytake_app.channels.whatsapp.values import as_list, as_object, decode, error_code, maybe_flag, text

_MESSAGE_CHARACTERS = 500
_K = SendErrorKind


@dataclass(slots=True, frozen=True)
class Verdict:
    """What a code means: the kind, the sentence, and how long to wait at least (seconds)."""

    kind: SendErrorKind
    reason: str
    wait: float | None = None


CODES: Mapping[int, Verdict] = {
    # Authorization
    0: Verdict(_K.AUTH, "token_invalid"),
    3: Verdict(_K.AUTH, "permission_missing"),
    10: Verdict(_K.AUTH, "permission_missing"),
    102: Verdict(_K.AUTH, "token_invalid"),
    190: Verdict(_K.AUTH, "token_expired"),
    # Integrity of the business account
    368: Verdict(_K.AUTH, "account_restricted"),
    130497: Verdict(_K.PERMANENT, "country_not_allowed"),
    131031: Verdict(_K.AUTH, "account_locked"),
    # Throttling
    4: Verdict(_K.RATE, "app_rate", 60),
    17: Verdict(_K.RATE, "app_rate", 60),
    32: Verdict(_K.RATE, "app_rate", 60),
    613: Verdict(_K.RATE, "app_rate", 60),
    80007: Verdict(_K.RATE, "account_rate", 60),
    130429: Verdict(_K.RATE, "throughput", 1),
    131048: Verdict(_K.RATE, "spam_rate", 3600),
    131056: Verdict(_K.PAIR_RATE, "pair_rate", 6),
    133016: Verdict(_K.RATE, "registration_rate", 3600),
    # Graph itself
    1: Verdict(_K.RETRYABLE, "platform_unknown"),
    2: Verdict(_K.RETRYABLE, "platform_down", 30),
    33: Verdict(_K.AUTH, "number_unknown"),
    100: Verdict(_K.PERMANENT, "invalid_parameter"),
    # Messages
    130472: Verdict(_K.UNDELIVERABLE, "experiment"),
    131000: Verdict(_K.RETRYABLE, "platform_unknown"),
    131005: Verdict(_K.AUTH, "permission_missing"),
    131008: Verdict(_K.PERMANENT, "parameter_missing"),
    131009: Verdict(_K.PERMANENT, "invalid_parameter"),
    131014: Verdict(_K.PERMANENT, "media_link"),
    131016: Verdict(_K.RETRYABLE, "platform_down", 30),
    131021: Verdict(_K.PERMANENT, "to_itself"),
    131026: Verdict(_K.UNDELIVERABLE, "undeliverable"),
    131030: Verdict(_K.UNDELIVERABLE, "not_in_allowed_list"),
    131035: Verdict(_K.UNDELIVERABLE, "retention"),
    131037: Verdict(_K.AUTH, "display_name"),
    131042: Verdict(_K.AUTH, "payment_method"),
    131045: Verdict(_K.AUTH, "certificate"),
    131047: Verdict(_K.REENGAGEMENT, "window_closed"),
    131049: Verdict(_K.UNDELIVERABLE, "ecosystem_limit"),
    131050: Verdict(_K.UNDELIVERABLE, "marketing_stopped"),
    131051: Verdict(_K.PERMANENT, "type_unsupported"),
    131052: Verdict(_K.PERMANENT, "media_download"),
    131053: Verdict(_K.RETRYABLE, "media_upload"),
    131055: Verdict(_K.PERMANENT, "marketing_only"),
    131057: Verdict(_K.RETRYABLE, "maintenance", 300),
    # Templates and forms
    132000: Verdict(_K.PERMANENT, "template_parameters"),
    132001: Verdict(_K.PERMANENT, "template_unknown"),
    132005: Verdict(_K.PERMANENT, "template_too_long"),
    132007: Verdict(_K.PERMANENT, "template_policy"),
    132012: Verdict(_K.PERMANENT, "template_format"),
    132015: Verdict(_K.PERMANENT, "template_paused"),
    132016: Verdict(_K.PERMANENT, "template_disabled"),
    132068: Verdict(_K.PERMANENT, "form_blocked"),
    132069: Verdict(_K.RATE, "form_throttled", 3600),
    # Registration of the number
    133000: Verdict(_K.AUTH, "number_unregistered"),
    133004: Verdict(_K.RETRYABLE, "platform_down", 30),
    133005: Verdict(_K.AUTH, "two_step_pin"),
    133006: Verdict(_K.AUTH, "number_unverified"),
    133008: Verdict(_K.AUTH, "two_step_pin"),
    133009: Verdict(_K.AUTH, "two_step_pin"),
    133010: Verdict(_K.AUTH, "number_unregistered"),
    133015: Verdict(_K.AUTH, "number_unregistered"),
    134011: Verdict(_K.PERMANENT, "payments_terms"),
    134100: Verdict(_K.PERMANENT, "marketing_only"),
    134101: Verdict(_K.RETRYABLE, "template_syncing", 600),
    134102: Verdict(_K.PERMANENT, "template_unavailable"),
    135000: Verdict(_K.PERMANENT, "invalid_parameter"),
    136025: Verdict(_K.PERMANENT, "verification_code"),
}
"""Every code of Meta's page, and Graph's general ones that WhatsApp answers too."""

_PERMISSION = Verdict(_K.AUTH, "permission_missing")
_UNKNOWN_DOWN = Verdict(_K.RETRYABLE, "platform_down")
_UNKNOWN_REFUSED = Verdict(_K.PERMANENT, "unknown")

REASONS: tuple[str, ...] = tuple(
    dict.fromkeys(
        [*(verdict.reason for verdict in CODES.values()), "unknown", "not_sent", "unsure", "bad_answer", "internal"]
    )
)
"""Every reason, for the catalogues' completeness test."""


def classify(
    code: int | str | None,
    http_status: int | None = None,
    *,
    subcode: int | str | None = None,
    transient: bool | None = None,
) -> Verdict:
    """What ``code`` means; unknown codes are judged by Meta's ``is_transient`` and the HTTP status.

    A 5xx answer to an unknown code is retryable, 429 a rate, 401 and 403 authorization, other 4xx permanent.
    """
    number = code if isinstance(code, int) else None
    if number == 100 and subcode == 33:
        # Graph's way of saying that the object in the path does not exist, or not for this token.
        return CODES[33]
    if number is not None:
        known = CODES.get(number)
        if known is not None:
            return known
        if 200 <= number <= 299:
            return _PERMISSION
    if http_status == 429:
        return Verdict(_K.RATE, "app_rate", 30)
    if transient:
        return Verdict(_K.RETRYABLE, "platform_unknown")
    if http_status == 504 and number is None:
        # A gateway gave up waiting: what stands behind it may still have taken the message.
        return Verdict(_K.UNSURE, "unsure")
    if http_status is not None and http_status >= 500:
        return _UNKNOWN_DOWN
    if http_status in {408, 425}:
        return _UNKNOWN_DOWN
    if http_status in {401, 403} and number is None:
        return Verdict(_K.AUTH, "token_invalid" if http_status == 401 else "permission_missing")
    return _UNKNOWN_REFUSED


def classify_status_error(error: PlatformError) -> Verdict:
    """What an error inside a *failed* status means for the message it failed."""
    return classify(error.code)


def error_from_answer(
    http_status: int, body: bytes, *, retry_after: str | None = None, secret: str | None = None
) -> SendError:
    """The typed error of an answer that is no success, whatever its body is (JSON of any shape, HTML, nothing).

    ``secret`` is removed from any text of the platform's that echoes it.
    """
    try:
        document = decode(body)
    except MalformedBody:
        document = None
    raw = _error_object(document)
    code = error_code(raw.get("code"))
    subcode = error_code(raw.get("error_subcode"))
    verdict = classify(code, http_status, subcode=subcode, transient=maybe_flag(raw, "is_transient"))
    return SendError(
        verdict.kind,
        code=code if isinstance(code, int) else None,
        subcode=subcode if isinstance(subcode, int) else None,
        http_status=http_status,
        retry_after=_seconds(retry_after) or verdict.wait,
        reason=verdict.reason,
        message=_shown(text(raw, "message") or text(raw, "title"), secret),
        details=_shown(
            text(as_object(raw.get("error_data")), "details") or text(raw, "details") or text(raw, "error_user_msg"),
            secret,
        ),
        trace_id=text(raw, "fbtrace_id"),
    )


def _error_object(document: Any) -> JsonObject:
    """The error inside an answer: Graph's ``error``, or the first of the older API's ``errors``."""
    outer = as_object(document)
    error = outer.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str):
        return {"message": error, "code": outer.get("code")}
    return next((item for item in as_list(outer.get("errors")) if isinstance(item, dict)), outer)


def _shown(value: str | None, secret: str | None) -> str:
    if value is None:
        return ""
    if secret:
        value = value.replace(secret, "***")
    return value[:_MESSAGE_CHARACTERS]


def _seconds(value: str | None) -> float | None:
    """``Retry-After`` in seconds (Meta sends no dates)."""
    if value is None or not value.strip().isascii() or not value.strip().isdigit():
        return None
    return min(float(value), 86_400.0)
