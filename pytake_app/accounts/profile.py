"""One's own account: name, language, time zone, picture. Nothing commits."""

from __future__ import annotations

import io
import warnings
from typing import BinaryIO
from uuid import UUID
from zoneinfo import available_timezones

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlmodel import Session, col, select

from pytake_app.accounts import repository
from pytake_app.accounts.models import User
from pytake_app.accounts.schemas import MeUpdate, UserView
from pytake_app.accounts.security_models import UserAvatar
from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, InvalidError, NotFoundError, TooLargeError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Principal, Role, scoped

AVATAR_SIDE = 256
"""Pixels; shown at 64 at most, on screens of up to four pixels a point."""
AVATAR_MAX_BYTES = 8 * 1024 * 1024
AVATAR_MAX_PIXELS = 50_000_000
"""Of the file as it came: what a phone's camera makes, and no more memory than it takes to unpack that."""
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")


def update_me(session: Session, principal: Principal, request: MeUpdate) -> UserView:
    """Change what the request names of the caller's own account.

    Raises:
        InvalidError: no such time zone.
        NotFoundError: the account is gone.
    """
    user = _own(session, principal)
    if request.time_zone and request.time_zone not in available_timezones():
        raise InvalidError(
            "There is no such time zone.",
            errors=[FieldError("/time_zone", "not a time zone, e.g. America/Sao_Paulo", "invalid_timezone")],
        )
    for name, value in request.model_dump(exclude_none=True).items():
        setattr(user, name, value)
    session.add(user)
    session.flush()
    return UserView.model_validate(user)


def set_avatar(session: Session, principal: Principal, file: BinaryIO, *, clock: Clock) -> UserView:
    """Make an uploaded picture the caller's: judged by its content, cut to a square, freed of what else is in the file.

    Raises:
        InvalidError: `image_unreadable`.
        TooLargeError: more bytes or pixels than we unpack (`image_too_large`).
    """
    user = _own(session, principal)
    image = _square(file.read(AVATAR_MAX_BYTES + 1))
    row = session.get(UserAvatar, user.id) or UserAvatar(
        user_id=user.id, organization_id=user.organization_id, image=b""
    )
    row.image, row.updated_at = image, clock.now()
    user.avatar = new_id().hex[-12:]
    session.add_all([row, user])
    session.flush()
    return UserView.model_validate(user)


def remove_avatar(session: Session, principal: Principal) -> UserView:
    """Take the caller's picture away."""
    user = _own(session, principal)
    row = session.get(UserAvatar, user.id)
    if row is not None:
        session.delete(row)
    user.avatar = ""
    session.add(user)
    session.flush()
    return UserView.model_validate(user)


def avatar_of(session: Session, principal: Principal, user_id: UUID) -> bytes:
    """The picture (WebP) of one of the organization's people.

    Raises:
        NotFoundError: nobody here has this id, or no picture.
    """
    principal.require(Role.VIEWER)
    found = session.exec(scoped(session, UserAvatar).where(col(UserAvatar.user_id) == user_id)).first()
    if not isinstance(found, UserAvatar):
        raise NotFoundError("There is no such picture.")
    return found.image


def zone_of(session: Session, user_id: UUID) -> str:
    """The time zone somebody chose; empty: the organization's."""
    return session.exec(select(User.time_zone).where(User.id == user_id)).one_or_none() or ""


def _own(session: Session, principal: Principal) -> User:
    user = repository.user(session, principal.user_id)
    if user is None:
        raise NotFoundError("There is no such user.")
    return user


def _square(data: bytes) -> bytes:
    if len(data) > AVATAR_MAX_BYTES:
        raise TooLargeError("The picture has more than 8 MB.", code="image_too_large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # Only the header is read here; the pixels are unpacked below, once their number is known.
            with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
                if opened.width * opened.height > AVATAR_MAX_PIXELS:
                    raise TooLargeError("The picture has too many pixels.", code="image_too_large")
                opened.draft("RGB", (AVATAR_SIDE * 2, AVATAR_SIDE * 2))  # JPEG: unpack a smaller one
                upright = ImageOps.exif_transpose(opened).convert("RGBA")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooLargeError("The picture has too many pixels.", code="image_too_large") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:  # what Pillow raises for broken files
        raise InvalidError(
            "This file is no picture that we can read; send a JPEG, PNG or WebP.",
            code="image_unreadable",
            errors=[FieldError("/file", "not a readable picture", "image_unreadable")],
        ) from error
    small = ImageOps.fit(upright, (AVATAR_SIDE, AVATAR_SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=85)
    return out.getvalue()
