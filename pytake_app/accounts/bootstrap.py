"""The first administrator and the first WhatsApp number, from the environment; safe to run at every start."""

from __future__ import annotations

import structlog
from pydantic import ValidationError

from pytake_app.accounts import repository
from pytake_app.accounts.emails import normalize_email
from pytake_app.accounts.models import Organization
from pytake_app.accounts.plans import FULLEST
from pytake_app.accounts.schemas import RegisterRequest
from pytake_app.accounts.service import Accounts
from pytake_app.config import Settings
from pytake_app.core.clock import SystemClock
from pytake_app.core.db import Database
from pytake_app.core.errors import ConflictError, ProblemError
from pytake_app.core.ratelimit import Limiter
from pytake_app.core.tenancy import Role
from pytake_app.whatsapp import service as whatsapp

log = structlog.get_logger(__name__)


class BootstrapError(Exception):
    """The environment names an administrator or a number that can't be made; the message says what to mend."""


def bootstrap(settings: Settings) -> list[str]:
    """Make what the environment asks for and what isn't there yet; called after the migrations.

    Returns: a line for each thing made, for the terminal.

    Raises:
        BootstrapError: an address or password that is not accepted.
    """
    database = Database(settings)
    try:
        return ensure_first_admin(settings, database)
    finally:
        database.dispose()


def make_super_admin(database: Database, email: str) -> str:
    """Have somebody administer the whole installation; what their own organization may have is no longer limited.

    Returns: a line for the terminal.

    Raises:
        BootstrapError: nobody has this address.
    """
    with database.auth() as session:
        user = repository.user_by_email(session, normalize_email(email))
        if user is None:
            raise BootstrapError("nobody has an account with this e-mail address")
        user.role = Role.SUPER_ADMIN
        user.email_confirmed_at = user.email_confirmed_at or SystemClock().now()
        session.add(user)
        organization_id = user.organization_id
    with database.administration() as session:
        own = session.get_one(Organization, organization_id, with_for_update=True)
        own.plan, own.trial_ends_at = FULLEST, None
        session.add(own)
    log.warning("super_admin_made", user_id=str(user.id))
    return "this person administers every organization from now on; they may have to sign in again"


def ensure_first_admin(settings: Settings, database: Database) -> list[str]:
    """As `bootstrap`, on pools that exist already. What people changed since is left alone."""
    password = settings.admin_password.get_secret_value()
    if not settings.admin_email or not password:
        return []
    made: list[str] = []
    email = normalize_email(settings.admin_email)
    with database.auth() as session:
        user = repository.user_by_email(session, email)
    if user is not None:
        organization_id = user.organization_id
    else:
        accounts = Accounts(settings=settings, database=database, clock=SystemClock(), limiter=Limiter(settings))
        try:
            request = RegisterRequest(
                email=settings.admin_email, password=password, full_name="Administrator", organization_name="PyTake"
            )
            _, organization_id = accounts.create_organization(request, role=Role.SUPER_ADMIN)
        except ValidationError as error:
            raise BootstrapError("PYTAKE_ADMIN_EMAIL is not an e-mail address") from error
        except ProblemError as error:
            reasons = "; ".join(found.message for found in error.errors) or error.detail
            raise BootstrapError(f"PYTAKE_ADMIN_EMAIL and PYTAKE_ADMIN_PASSWORD: {reasons}") from error
        made.append("made the first administrator")
    phone_number_id = settings.whatsapp_phone_number_id
    if not phone_number_id:
        return made
    try:
        with database.tenant(organization_id) as session:
            whatsapp.add_account(
                session,
                organization_id,
                settings=settings,
                name="WhatsApp",
                external_id=phone_number_id,
                business_account_id=settings.whatsapp_business_account_id,
                credentials={
                    "access_token": settings.whatsapp_access_token.get_secret_value(),
                    "app_secret": settings.whatsapp_app_secret.get_secret_value(),
                    "verify_token": settings.whatsapp_webhook_verify_token.get_secret_value(),
                },
            )
        made.append("connected the first WhatsApp number")
    except ConflictError:
        log.debug("first_number_exists")
    return made
