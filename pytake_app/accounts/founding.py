"""New organizations: what each begins with, and who is asked to take charge of one that a super admin makes."""

from __future__ import annotations

from uuid import UUID

import structlog
from sqlmodel import Session

from pytake_app.accounts import invitations
from pytake_app.accounts.lifecycle import new_organization
from pytake_app.accounts.models import Organization
from pytake_app.accounts.organization_schemas import AdministratorInvite, OrganizationCreate
from pytake_app.accounts.security_schemas import InvitationCreate, InvitationView
from pytake_app.config import Settings
from pytake_app.core.clock import Clock
from pytake_app.core.db import Database
from pytake_app.core.tenancy import Permission, Principal, Role

log = structlog.get_logger(__name__)


def furnish(session: Session, organization: Organization, *, settings: Settings, clock: Clock) -> None:
    """Give a new organization its queue, its starter flows and its sandbox number. Doesn't commit.

    Parameters:
        session: of `Database.tenant` for the organization, which is there already.
    """
    from pytake_app.flows import service as flows
    from pytake_app.queues import service as queues
    from pytake_app.sandbox import service as sandbox

    queues.seed_organization(session, organization.id, organization.locale, clock=clock)
    flows.seed_organization(session, organization.id, organization.locale, clock=clock)
    sandbox.create_account(session, organization.id, settings=settings, clock=clock)


def found(
    database: Database, principal: Principal, request: OrganizationCreate, *, settings: Settings, clock: Clock
) -> tuple[UUID, InvitationView]:
    """Make an organization whose first administrator is invited, in one transaction of its own.

    Raises:
        ForbiddenError: not a super admin.
        ConflictError: there is an account with this e-mail (`email_taken`).
    """
    principal.require(Role.SUPER_ADMIN)
    organization = new_organization(
        settings, request.name, request.locale, Role.ORG_ADMIN, clock.now(), time_zone=request.time_zone
    )
    if request.plan is not None:
        organization.plan, organization.trial_ends_at = request.plan, None
    with database.tenant(organization.id) as session:
        session.add(organization)
        session.flush()
        asked = InvitationCreate(email=request.admin_email, role="org_admin", locale=request.locale)
        made = invitations.invite(session, principal, asked, database=database, settings=settings, clock=clock)
        furnish(session, organization, settings=settings, clock=clock)
    log.info("organization_created", organization_id=str(organization.id), by=str(principal.user_id))
    return organization.id, made


def invite_administrator(
    database: Database,
    principal: Principal,
    organization_id: UUID,
    request: AdministratorInvite,
    *,
    settings: Settings,
    clock: Clock,
) -> InvitationView:
    """Ask somebody to administer an organization; who is asked already gets a new link.

    For super admins: an organization's own administrators invite by themselves.

    Parameters:
        organization_id: one that exists.

    Raises:
        ForbiddenError: not a super admin.
        ConflictError: there is an account with this e-mail (`email_taken`).
        LimitError: the plan has no room for one more person.
    """
    principal.require(Role.SUPER_ADMIN)
    principal.needs(Permission.USERS_MANAGE)
    with database.tenant(organization_id) as session:
        waiting = invitations.open_for(session, request.email, role=Role.ORG_ADMIN)
        if waiting is not None:
            return invitations.resend(session, principal, waiting, settings=settings, clock=clock)
        asked = InvitationCreate(email=request.email, role="org_admin", locale=request.locale)
        return invitations.invite(session, principal, asked, database=database, settings=settings, clock=clock)
