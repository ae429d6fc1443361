"""Attempts to sign in or to reset a password: counted so that guessing ends and nobody can lock somebody else out.

A browser that signed in to an account before carries a cookie that says so (OWASP, "Slow Down Online Guessing Attacks
with Device Cookies"). Its attempts are counted in a bucket of its own: whoever guesses at an account from elsewhere
uses up the account's bucket for strangers, and its owner still gets in.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from typing import Protocol

from pytake_app.accounts.tokens import hash_token
from pytake_app.config import Settings
from pytake_app.core.clock import Clock
from pytake_app.core.crypto import derived_keys
from pytake_app.core.ratelimit import Bucket, Limiter, network_of

LOGINS_PER_ACCOUNT_AND_ADDRESS = "8 per 5 minute"
LOGINS_PER_ACCOUNT = "50 per hour"
LOGINS_PER_ADDRESS = "60 per 5 minute"
LOGINS_PER_DEVICE = "8 per 5 minute"
RESETS_PER_ACCOUNT = "5 per hour"
RESETS_PER_ADDRESS = "20 per hour"
CODES_PER_ACCOUNT = "15 per 15 minute"
CODES_PER_DEVICES = "30 per 15 minute"
"""Of all devices that an account knows: cookies that were copied together buy no more guesses."""
CODES_PER_DAY = "100 per day"
"""Of strangers, and of known devices together: whoever has the password must not find a code by patience."""
DEVICE_LIFETIME = timedelta(days=365)
DEVICES_KEPT = 5
"""Accounts that one browser is known to, e.g. several people at one desk."""


class Caller(Protocol):
    """Where an attempt comes from; `device` is the value of the browser's device cookie."""

    @property
    def address(self) -> str: ...
    @property
    def device(self) -> str: ...


class Attempts:
    """Counts attempts and knows devices.

    Parameters:
        settings: gives the key that device cookies are signed with, derived from SECRET_KEY (older keys still count).
    """

    def __init__(self, settings: Settings, limiter: Limiter, clock: Clock) -> None:
        self._settings = settings
        self._limiter = limiter
        self._clock = clock
        self._keys_: list[bytes] = []

    def count_login(self, email: str, client: Caller) -> None:
        """Count one attempt to sign in, before any password is looked at.

        Parameters:
            email: normalized.

        Raises:
            TooManyRequestsError: too many for this account or from this address.
        """
        self._limiter.require_all(self._logins(email, client))

    def login_succeeded(self, email: str, client: Caller) -> None:
        """Forget this client's attempts. Those of strangers at the account stay counted when it is a known device."""
        # The address's own bucket stays: it counts guesses at any account.
        own = [bucket for bucket in self._logins(email, client) if bucket.identifiers[0] != "login-address"]
        self._limiter.clear_all(own)

    def _logins(self, email: str, client: Caller) -> list[Bucket]:
        account = hash_token(email)  # no e-mail addresses in Redis
        device = self._known(account, client.device)
        if device:
            return [
                Bucket(LOGINS_PER_DEVICE, ("login-device", account, device)),
                Bucket(LOGINS_PER_ACCOUNT, ("login-devices", account)),
            ]
        return [
            Bucket(LOGINS_PER_ACCOUNT_AND_ADDRESS, ("login-pair", account, network_of(client.address))),
            Bucket(LOGINS_PER_ACCOUNT, ("login-account", account)),
            Bucket(LOGINS_PER_ADDRESS, ("login-address", network_of(client.address))),
        ]

    def count_reset(self, email: str, client: Caller) -> None:
        """Count one request for a link that resets a password; a known device's are counted apart.

        Raises:
            TooManyRequestsError: too many for this account or from this address.
        """
        account = hash_token(email)
        device = self._known(account, client.device)
        self._limiter.require_all(
            [
                Bucket(RESETS_PER_ACCOUNT, ("reset-account", account, device)),
                Bucket(RESETS_PER_ADDRESS, ("reset-address", network_of(client.address))),
            ]
        )

    def count_code(self, email: str, client: Caller) -> None:
        """Count one code of a second factor; a known device's are counted apart.

        Raises:
            TooManyRequestsError: too many for this account.
        """
        account = hash_token(email)
        device = self._known(account, client.device)
        buckets = [
            Bucket(CODES_PER_ACCOUNT, ("second-step", account, device)),
            Bucket(CODES_PER_DAY, ("second-step-day", account, "known" if device else "")),
        ]
        if device:
            buckets.append(Bucket(CODES_PER_DEVICES, ("second-step-devices", account)))
        self._limiter.require_all(buckets)

    def knows(self, email: str, client: Caller) -> bool:
        """Whether somebody signed in to the account from this browser before."""
        return bool(self._known(hash_token(email), client.device))

    # -- devices ------------------------------------------------------------------------------------------------------

    def device_cookie(self, email: str, present: str = "") -> str:
        """The device cookie of a browser that has just signed in.

        Parameters:
            email: normalized.
            present: the cookie's present value: the browser stays known to other accounts.
        """
        account = hash_token(email)
        kept = [part for part in present.split(".") if part and not self._valid(account, part)]
        issued, nonce = f"{int(self._clock.now().timestamp()):x}", secrets.token_hex(8)
        signature = _sign(self._keys[0], account, issued, nonce)
        return ".".join([f"{issued}-{nonce}-{signature}", *kept][:DEVICES_KEPT])

    def _known(self, account: str, cookie: str) -> str:
        """The name of the device in the account's bucket, empty for a stranger."""
        for part in cookie.split(".")[:DEVICES_KEPT]:
            if self._valid(account, part):
                return part.split("-")[1]
        return ""

    def _valid(self, account: str, part: str) -> bool:
        if len(part) > 120 or part.count("-") != 2 or not part.isascii():
            return False
        issued, nonce, signature = part.split("-")
        if not any(hmac.compare_digest(_sign(key, account, issued, nonce), signature) for key in self._keys):
            return False
        since: datetime = datetime.fromtimestamp(int(issued, 16), self._clock.now().tzinfo)
        return self._clock.now() - since < DEVICE_LIFETIME

    @property
    def _keys(self) -> list[bytes]:
        if not self._keys_:
            self._keys_ = derived_keys(self._settings, "known devices v1")
        return self._keys_


def _sign(key: bytes, account: str, issued: str, nonce: str) -> str:
    return hmac.new(key, f"{account}|{issued}|{nonce}".encode(), "sha256").hexdigest()
