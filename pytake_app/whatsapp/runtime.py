"""Channel accounts with their credentials decrypted, for the pipeline. Short-lived: never stored, never logged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from pytake_app.channels.base import AccountCredentials
from pytake_app.channels.whatsapp.limits import PAIR_BURST, PAIR_INTERVAL, TIERS
from pytake_app.config import Settings
from pytake_app.core.crypto import DecryptionError, SecretBox
from pytake_app.core.errors import NotFoundError

CACHE_SECONDS = 30.0
SANDBOX_PATH = "/sandbox/graph"

_COLUMNS = """
    SELECT id, organization_id, channel, external_id, business_account_id, phone, name, credentials, settings, sandbox,
           status, default_flow_id
    FROM channel_accounts
"""
_BY_ID = text(_COLUMNS + "WHERE id = :id")
_BY_EXTERNAL = text(_COLUMNS + "WHERE channel = :channel AND external_id = ANY(:external_ids)")
_SANDBOX = text(
    _COLUMNS + "WHERE sandbox AND status <> 'disabled' AND business_account_id = :business_account_id LIMIT 1"
)
# Sandbox numbers are always delivered to by their own address.
_OF_CHANNEL = text(
    _COLUMNS + "WHERE channel = :channel AND NOT sandbox AND status <> 'disabled' ORDER BY created_at LIMIT 2000"
)


@dataclass(frozen=True, slots=True)
class AccountRuntime:
    """One channel account as the pipeline needs it. Secrets never appear in `repr`."""

    id: UUID
    organization_id: UUID
    channel: str
    external_id: str
    business_account_id: str
    phone: str
    name: str
    sandbox: bool
    status: str
    default_flow_id: UUID | None
    api_base_url: str
    api_version: str
    messages_per_second: float
    pair_interval: float = 0.0
    """Seconds between two messages to one person in the long run; 0: no limit."""
    pair_burst: int = PAIR_BURST
    daily_first_contacts: int | None = None
    """People outside a service window who may be written to in 24 hours; None: no limit."""
    reengagement_template: dict[str, Any] | None = None
    """Content that goes instead of a message for which the service window turned out to be closed."""
    own_settings: dict[str, Any] = field(repr=False, default_factory=dict)
    access_token: str = field(repr=False, default="")
    app_secret: str = field(repr=False, default="")
    verify_token: str = field(repr=False, default="")

    @property
    def credentials(self) -> AccountCredentials:
        """What the channel's client takes."""
        return AccountCredentials(
            external_id=self.external_id,
            access_token=self.access_token,
            business_account_id=self.business_account_id or None,
            base_url=self.api_base_url,
            api_version=self.api_version,
        )


def loopback_url(settings: Settings) -> str:
    """The address at which this machine reaches the product itself."""
    host = settings.host
    if host in ("", "0.0.0.0", "::"):  # noqa: S104  # only compared
        host = "127.0.0.1"
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


class AccountReader:
    """Reads and decrypts channel accounts, and remembers them for at most 30 seconds.

    Parameters:
        settings: base URL and version of the Graph API where an account has none of its own.
        secrets: decrypts credentials.
        clock: monotonic seconds; tests inject it.
    """

    def __init__(self, settings: Settings, secrets: SecretBox, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._secrets = secrets
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[Any, tuple[float, Any]] = {}

    def by_id(self, connection: Connection, account_id: UUID) -> AccountRuntime:
        """The account.

        Parameters:
            connection: of `Database.system_connection` (or any that may see the row).

        Raises:
            NotFoundError: there is none.
        """
        found: AccountRuntime | None = self._cached(account_id, lambda: self._one(connection, account_id))
        if found is None:
            raise NotFoundError("There is no such channel account.")
        return found

    def by_external_ids(self, connection: Connection, channel: str, external_ids: list[str]) -> list[AccountRuntime]:
        """The accounts that have one of the platform's ids."""

        def load() -> list[AccountRuntime]:
            rows = connection.execute(_BY_EXTERNAL, {"channel": channel, "external_ids": external_ids}).mappings()
            return [make_runtime(dict(row), self._settings, self._secrets) for row in rows]

        return list(self._cached((channel, *sorted(external_ids)), load))

    def sandbox_of(self, connection: Connection, business_account_id: str) -> AccountRuntime | None:
        """The sandbox account of one of our own business accounts, as it is now."""
        row = connection.execute(_SANDBOX, {"business_account_id": business_account_id}).mappings().first()
        return None if row is None else make_runtime(dict(row), self._settings, self._secrets)

    def of_channel(self, connection: Connection, channel: str) -> list[AccountRuntime]:
        """The channel's accounts, except sandbox and disabled ones."""

        def load() -> list[AccountRuntime]:
            return [
                make_runtime(dict(row), self._settings, self._secrets)
                for row in connection.execute(_OF_CHANNEL, {"channel": channel}).mappings()
            ]

        return list(self._cached(channel, load))

    def known(self, account_id: UUID) -> AccountRuntime | None:
        """What is remembered and still fresh, without asking the database."""
        found: AccountRuntime | None = self._fresh(account_id)
        return found

    def known_channel(self, channel: str) -> list[AccountRuntime] | None:
        """What `of_channel` answered if that is still fresh."""
        found: list[AccountRuntime] | None = self._fresh(channel)
        return found

    def _fresh(self, key: Any) -> Any:
        with self._lock:
            held = self._known.get(key)
        return held[1] if held is not None and held[0] > self._clock() else None

    def forget(self) -> None:
        """Drop what is remembered (an account was changed in this process)."""
        with self._lock:
            self._known.clear()

    def _one(self, connection: Connection, account_id: UUID) -> AccountRuntime | None:
        row = connection.execute(_BY_ID, {"id": account_id}).mappings().first()
        return None if row is None else make_runtime(dict(row), self._settings, self._secrets)

    def _cached(self, key: Any, load: Callable[[], Any]) -> Any:
        now = self._clock()
        with self._lock:
            held = self._known.get(key)
            if held is not None and held[0] > now:
                return held[1]
        value = load()
        with self._lock:
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[key] = (now + CACHE_SECONDS, value)
        return value


def make_runtime(row: dict[str, Any], settings: Settings, secrets: SecretBox) -> AccountRuntime:
    """A row of `channel_accounts` with its credentials decrypted."""
    own: dict[str, Any] = row["settings"] or {}
    held = read_credentials(secrets, row["credentials"])
    base_url = own.get("api_base_url") or settings.whatsapp_api_base_url
    if row["sandbox"]:
        # Not stored: the port may be another at the next start.
        base_url = loopback_url(settings) + SANDBOX_PATH
    return AccountRuntime(
        id=row["id"],
        organization_id=row["organization_id"],
        channel=row["channel"],
        external_id=row["external_id"],
        business_account_id=row["business_account_id"],
        phone=row["phone"],
        name=row["name"],
        sandbox=row["sandbox"],
        status=row["status"],
        default_flow_id=row["default_flow_id"],
        api_base_url=base_url,
        api_version=own.get("api_version") or settings.whatsapp_api_version,
        messages_per_second=float(own.get("messages_per_second") or 80),
        # The sandbox's phone may be tapped as fast as one likes.
        pair_interval=0.0 if row["sandbox"] else float(own.get("pair_interval", PAIR_INTERVAL)),
        pair_burst=int(own.get("pair_burst", PAIR_BURST)),
        daily_first_contacts=None if row["sandbox"] else first_contacts_limit(own, settings),
        reengagement_template=_fallback(own.get("reengagement_template")),
        own_settings=own,
        access_token=held.get("access_token", ""),
        app_secret=held.get("app_secret", ""),
        verify_token=held.get("verify_token", ""),
    )


def first_contacts_limit(own: dict[str, Any], settings: Settings) -> int | None:
    """People outside a service window whom the account may write to in 24 hours: by Meta's own word if it gave one.

    Parameters:
        own: the account's settings.
    """
    return TIERS.get(str(own.get("tier") or ""), TIERS[settings.message_tier])


def _fallback(template: dict[str, str] | None) -> dict[str, Any] | None:
    return {"type": "template", **template} if template else None


def read_credentials(secrets: SecretBox, cipher: str) -> dict[str, str]:
    """The decrypted credentials; empty when none are stored or no key of ours opens them."""
    if not cipher:
        return {}
    try:
        value = orjson.loads(secrets.decrypt(cipher))
    except DecryptionError:
        return {}
    return {name: text for name, text in value.items() if isinstance(text, str)}


def write_credentials(secrets: SecretBox, values: dict[str, str]) -> str:
    """Credentials as stored; empty ones are left out."""
    return secrets.encrypt(orjson.dumps({name: value for name, value in values.items() if value}).decode())
