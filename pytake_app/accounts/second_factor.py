"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and codes that stand in for it once.

Works on an `auth` or a tenant's transaction; nothing commits. Secrets are encrypted, recovery codes kept as hashes.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyotp
import segno
import structlog
from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from pytake_app.accounts.models import Organization, User
from pytake_app.accounts.security_models import RecoveryCode, TotpFactor
from pytake_app.accounts.settings_schemas import SECURITY, SecuritySettings
from pytake_app.accounts.tokens import hash_token
from pytake_app.core.crypto import DecryptionError, SecretBox
from pytake_app.core.errors import ConflictError, FieldError, InvalidError
from pytake_app.core.tenancy import Role

log = structlog.get_logger(__name__)

ISSUER = "PyTake"
STEP_SECONDS = 30
DRIFT_STEPS = 1
"""Codes of the step before and after count too: phones' clocks are some seconds off (RFC 6238, 5.2)."""
RECOVERY_CODES = 10
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without what looks alike."""
RECOVERY_LETTERS = 24
"""118 bits: a code that is kept under a quick hash needs 112 (OWASP ASVS 5.0, 6.5.2)."""
_GROUP = 4


@dataclass(frozen=True, slots=True)
class Setup:
    """What an authenticator app needs: by QR code (a data URI of an SVG) or typed."""

    secret: str
    uri: str
    picture: str


@dataclass(frozen=True, slots=True)
class Passed:
    """A right code. `codes_left`: when it was a recovery code, how many remain."""

    codes_left: int | None = None


def factor_of(session: Session, user_id: UUID, *, lock: bool = False) -> TotpFactor | None:
    """Somebody's second factor, confirmed or not."""
    found = select(TotpFactor).where(TotpFactor.user_id == user_id)
    return session.exec(found.with_for_update() if lock else found).first()


def is_on(session: Session, user_id: UUID) -> bool:
    """Whether somebody has a confirmed second factor."""
    factor = factor_of(session, user_id)
    return factor is not None and factor.confirmed_at is not None


def is_required(organization: Organization, user: User) -> bool:
    """Whether the organization wants this person to have a second factor."""
    wanted = SecuritySettings.model_validate(organization.settings.get(SECURITY) or {}).second_factor
    return wanted == "everyone" or (wanted == "admins" and Role(user.role).includes(Role.ORG_ADMIN))


def begin(session: Session, box: SecretBox, user: User, now: datetime) -> Setup:
    """A new secret for an authenticator app; it counts once a code of it was given (`confirm`).

    Raises:
        ConflictError: there is a confirmed one already (`totp_enabled`).
    """
    factor = factor_of(session, user.id, lock=True)
    if factor is not None and factor.confirmed_at is not None:
        raise ConflictError("Two-step sign-in is on already.", code="totp_enabled")
    secret = pyotp.random_base32()
    if factor is None:
        factor = TotpFactor(user_id=user.id, organization_id=user.organization_id, secret_cipher="", created_at=now)
    factor.secret_cipher, factor.created_at, factor.last_step = box.encrypt(secret), now, 0
    session.add(factor)
    session.flush()
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)
    picture = segno.make(uri, error="m").svg_data_uri(scale=4, border=2, dark="black", light="white")
    return Setup(secret=secret, uri=uri, picture=picture)


def confirm(session: Session, box: SecretBox, user: User, code: str, now: datetime) -> list[str]:
    """Turn the second factor on by a first code.

    Returns: recovery codes, which are told this once.

    Raises:
        InvalidError: `code_invalid`.
        ConflictError: none was begun, or it is on already.
    """
    factor = factor_of(session, user.id, lock=True)
    if factor is None:
        raise ConflictError("Begin the set-up first.", code="totp_not_begun")
    if factor.confirmed_at is not None:
        raise ConflictError("Two-step sign-in is on already.", code="totp_enabled")
    _require_step(factor, box, code, now)
    factor.confirmed_at = now
    session.add(factor)
    return new_recovery_codes(session, user, now)


def new_recovery_codes(session: Session, user: User, now: datetime) -> list[str]:
    """Make ten recovery codes; earlier ones stop working."""
    session.execute(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user.id))
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(RECOVERY_LETTERS)) for _ in range(RECOVERY_CODES)]
    for code in codes:
        session.add(
            RecoveryCode(
                organization_id=user.organization_id, user_id=user.id, code_hash=hash_token(code), created_at=now
            )
        )
    session.flush()
    return ["-".join(code[i : i + _GROUP] for i in range(0, RECOVERY_LETTERS, _GROUP)) for code in codes]


def check(session: Session, box: SecretBox, user_id: UUID, code: str, now: datetime) -> Passed:
    """Accept a code of the app, each at most once, or a recovery code, each once.

    Raises:
        InvalidError: `code_invalid`: wrong, too old, or used before.
    """
    factor = factor_of(session, user_id, lock=True)
    if factor is None or factor.confirmed_at is None:
        raise _wrong()
    typed = "".join(character for character in code.casefold() if character.isalnum())
    if len(typed) == 6 and typed.isdecimal():
        _require_step(factor, box, typed, now)
        session.add(factor)
        session.flush()
        return Passed()
    found = session.exec(
        select(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.code_hash == hash_token(typed))
        .where(col(RecoveryCode.used_at).is_(None))
        .with_for_update()
    ).first()
    if found is None:
        raise _wrong()
    found.used_at = now
    session.add(found)
    session.flush()
    return Passed(codes_left=recovery_codes_left(session, user_id))


def recovery_codes_left(session: Session, user_id: UUID) -> int:
    """How many recovery codes somebody has."""
    unused = select(func.count()).where(col(RecoveryCode.user_id) == user_id, col(RecoveryCode.used_at).is_(None))
    return session.exec(unused).one()


def turn_off(session: Session, user_id: UUID) -> bool:
    """Take the second factor and its recovery codes away; whether there was a confirmed one."""
    factor = factor_of(session, user_id, lock=True)
    session.execute(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id))
    if factor is None:
        return False
    session.delete(factor)
    session.flush()
    return factor.confirmed_at is not None


def _require_step(factor: TotpFactor, box: SecretBox, code: str, now: datetime) -> None:
    try:
        totp = pyotp.TOTP(box.decrypt(factor.secret_cipher))
    except DecryptionError as error:  # SECRET_KEY was changed without the older one: recovery codes still work
        log.warning("second_factor_unreadable", user_id=str(factor.user_id))
        raise _wrong() from error
    present = int(now.timestamp()) // STEP_SECONDS
    typed = code.strip().replace(" ", "")
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        if step > factor.last_step and hmac.compare_digest(totp.generate_otp(step).encode(), typed.encode()):
            factor.last_step = step
            return
    raise _wrong()


def _wrong() -> InvalidError:
    return InvalidError(
        "The code is wrong or was used before.",
        code="code_invalid",
        errors=[FieldError("/code", "wrong or used before", "code_invalid")],
    )
