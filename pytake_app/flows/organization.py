"""The organization as the engine sees it outside of the pipeline: in previews and path searches."""

from __future__ import annotations

from sqlmodel import Session

from pytake_app.accounts import service as accounts
from pytake_app.core.tenancy import organization_of
from pytake_app.engine.session import OrgView
from pytake_app.queues import service as queues


def org_view(session: Session) -> OrgView:
    """The transaction's organization with its calendars, as `execution_catalog` gives it to real conversations."""
    profile = accounts.organization_of_session(session)
    default, others = queues.engine_calendars(session)
    return OrgView(
        id=str(organization_of(session)),
        name=profile.name,
        timezone=profile.time_zone,
        locale=profile.locale,
        hours=default,
        calendars=others,
    )
