"""Signature of Meta's webhooks.

Meta signs the exact bytes of the body with HMAC-SHA256 under the app secret and sends the lower-case hex
digest as ``X-Hub-Signature-256: sha256=…`` (Graph API, Webhooks, "Validating payloads").
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

HEADER = "x-hub-signature-256"
_FORM = re.compile(r"sha256=([0-9a-fA-F]{64})")


def sign(body: bytes, app_secret: str) -> str:
    """Value of the signature header for ``body``."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()


def header_value(headers: Mapping[str, str]) -> str | None:
    """The signature header of ``headers``, whatever the case of its name."""
    direct = headers.get(HEADER)
    if direct is not None:
        return direct
    return next((value for name, value in headers.items() if name.lower() == HEADER), None)


def verify(body: bytes, header: str | None, app_secrets: Iterable[str]) -> bool:
    """Whether ``header`` signs ``body`` under one of ``app_secrets``.

    Every candidate is compared, each in constant time, so that the answer's time does not tell which secret
    (if any) matched. Empty secrets never match.
    """
    form = _FORM.fullmatch(header.strip()) if header else None
    if form is None:
        return False
    given = form.group(1).lower().encode()
    matched = False
    for secret in app_secrets:
        if not secret:
            continue
        wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
        matched |= hmac.compare_digest(given, wanted)
    return matched
