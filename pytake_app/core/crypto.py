"""Encryption of credentials at rest: Fernet (AES-128-CBC + HMAC-SHA256) under a key derived from SECRET_KEY."""

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pytake_app.config import Settings

_PURPOSE = "credentials v1"


class DecryptionError(Exception):
    """The stored secret can't be read with any of the configured keys."""


def derived_key(secret: str, purpose: str) -> bytes:
    """A key of 256 bits for one purpose only, so that what is signed for one thing never counts for another."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"pytake {purpose}".encode()).derive(secret.encode())


def derived_keys(settings: Settings, purpose: str) -> list[bytes]:
    """`derived_key` of SECRET_KEY, then of each older key that still counts."""
    secrets = [settings.signing_key, *(key.get_secret_value() for key in settings.previous_secret_keys)]
    return [derived_key(secret, purpose) for secret in secrets]


def _derive(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derived_key(secret, _PURPOSE)))


class SecretBox:
    """Encrypts with the newest key, decrypts with any.

    Parameters:
        secrets: SECRET_KEY first, then older ones that data may still be encrypted under.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        fernets = [_derive(secret) for secret in secrets]
        self._fernet, self._newest = MultiFernet(fernets), fernets[0]

    @classmethod
    def from_settings(cls, settings: Settings) -> "SecretBox":
        """A box keyed from the settings."""
        return cls([settings.signing_key, *(key.get_secret_value() for key in settings.previous_secret_keys)])

    def encrypt(self, plain: str) -> str:
        """Ciphertext as URL-safe text."""
        return self._fernet.encrypt(plain.encode()).decode()

    def decrypt(self, cipher: str) -> str:
        """The plain text.

        Raises:
            DecryptionError: tampered, or encrypted under a key we no longer have.
        """
        try:
            return self._fernet.decrypt(cipher.encode()).decode()
        except InvalidToken as error:
            raise DecryptionError("a stored secret can't be decrypted with the configured SECRET_KEY") from error

    def is_current(self, cipher: str) -> bool:
        """Whether it is encrypted under the newest key."""
        try:
            self._newest.decrypt(cipher.encode())
        except InvalidToken:
            return False
        return True
