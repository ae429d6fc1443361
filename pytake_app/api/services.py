"""The container of what the web process needs: the shell's services plus sign-in and rate limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from pytake_app.accounts.email_confirmations import EmailConfirmations
from pytake_app.accounts.invitations import Joining
from pytake_app.accounts.own_security import OwnSecurity
from pytake_app.accounts.password_resets import PasswordResets
from pytake_app.accounts.second_steps import SecondSteps
from pytake_app.accounts.service import Accounts
from pytake_app.config import Settings, get_settings
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.db import Database
from pytake_app.core.ratelimit import Limiter
from pytake_app.core.services import Services as CoreServices
from pytake_app.core.services import process_services as core_process_services


@dataclass
class Services(CoreServices):
    """Everything that is opened once a process. Nothing connects before its first use."""

    @cached_property
    def limiter(self) -> Limiter:
        """Counts requests and attempts."""
        return Limiter(self.settings)

    @cached_property
    def accounts(self) -> Accounts:
        """Sign-in, registration, and who is behind a token."""
        return Accounts(settings=self.settings, database=self.database, clock=self.clock, limiter=self.limiter)

    @cached_property
    def second_steps(self) -> SecondSteps:
        """Signing in, step two."""
        return SecondSteps(settings=self.settings, database=self.database, clock=self.clock, accounts=self.accounts)

    @cached_property
    def own_security(self) -> OwnSecurity:
        """What people do about their own sign-in."""
        return OwnSecurity(settings=self.settings, database=self.database, clock=self.clock, accounts=self.accounts)

    @cached_property
    def password_resets(self) -> PasswordResets:
        """Forgotten passwords."""
        return PasswordResets(settings=self.settings, database=self.database, clock=self.clock, accounts=self.accounts)

    @cached_property
    def email_confirmations(self) -> EmailConfirmations:
        """Whose an e-mail address is."""
        return EmailConfirmations(
            settings=self.settings, database=self.database, clock=self.clock, limiter=self.limiter,
            own_security=self.own_security,
        )  # fmt: skip

    @cached_property
    def joining(self) -> Joining:
        """What an invited person does."""
        return Joining(settings=self.settings, database=self.database, clock=self.clock)


def build_services(
    settings: Settings | None = None, *, clock: Clock | None = None, database: Database | None = None
) -> Services:
    """Make the container.

    Parameters:
        settings: the process's own by default.
        clock: tests freeze it.
        database: share pools that exist already.
    """
    settings = settings or get_settings()
    services = Services(settings=settings, clock=clock or SystemClock())
    if database is not None:
        services.database = database
    return services


@lru_cache(maxsize=1)
def process_services() -> Services:
    """The process's own container, made on first use; shares its connections with the rest of the process."""
    shared = core_process_services()
    services = build_services(shared.settings, clock=shared.clock, database=shared.database)
    services.redis, services.live = shared.redis, shared.live
    return services
