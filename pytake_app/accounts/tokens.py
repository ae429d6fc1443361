"""Access tokens (JWT, HS256) and opaque random tokens."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import jwt

from pytake_app.config import Settings
from pytake_app.core.crypto import derived_key
from pytake_app.core.errors import UnauthorizedError
from pytake_app.core.ids import new_id

ISSUER = "pytake"
_ALGORITHM = "HS256"
_LEEWAY = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a valid access token says."""

    user_id: UUID
    organization_id: UUID
    session_id: UUID


def new_token() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """SHA-256 as stored: random tokens of 256 bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


class TokenSigner:
    """Makes and checks access tokens, with a key of its own derived from SECRET_KEY."""

    def __init__(self, settings: Settings) -> None:
        self._key = base64.urlsafe_b64encode(derived_key(settings.signing_key, "access tokens v1"))
        self.lifetime = timedelta(minutes=settings.access_token_expire_minutes)

    def sign(self, *, user_id: UUID, organization_id: UUID, role: str, session_id: UUID, now: datetime) -> str:
        """An access token valid for `lifetime` from `now`."""
        claims = {
            "iss": ISSUER,
            "sub": str(user_id),
            "org": str(organization_id),
            "role": role,
            "sid": str(session_id),
            "iat": int(now.timestamp()),
            "exp": int((now + self.lifetime).timestamp()),
            "jti": str(new_id()),
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read(self, token: str, now: datetime) -> AccessClaims:
        """Check signature, issuer and expiry (against the injected clock's `now`).

        Raises:
            UnauthorizedError: it is not valid, or not any more.
        """
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                issuer=ISSUER,
                options={"require": ["exp", "iat", "sub", "org", "sid"], "verify_exp": False, "verify_iat": False},
            )
            expires = float(claims["exp"])
            read = AccessClaims(UUID(claims["sub"]), UUID(claims["org"]), UUID(claims["sid"]))
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError) as error:
            raise UnauthorizedError("The access token is not valid.", code="token_invalid") from error
        if now.timestamp() >= expires + _LEEWAY.total_seconds():
            raise UnauthorizedError("The access token has expired.", code="token_expired")
        return read
