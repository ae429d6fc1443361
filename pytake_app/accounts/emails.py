"""E-mail addresses: the form they are kept and looked up in, and which ones may be kept at all."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, EmailStr


def normalize_email(email: str) -> str:
    """The form in which e-mails are stored and looked up."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def _kept_as_written(email: str) -> str:
    """Refuse an address whose stored form would be another mailbox (`straße@` would become `strasse@`, a letter of
    double width a plain one): mails with credentials go to the stored one.

    Raises:
        ValueError: it would.
    """
    if normalize_email(email) != unicodedata.normalize("NFC", email).strip().lower():
        raise ValueError("write the address with plain letters")
    return email


Email = Annotated[EmailStr, AfterValidator(_kept_as_written)]
"""An address that an account or an invitation may have."""
