"""The short figures of all flows at once, to put the list in their order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.core.tenancy import organization_of
from pytake_app.flows import stats
from pytake_app.flows.models import FlowFigure, FlowSession

UNKNOWN = -1.0
"""Completion of a flow of whose sessions none has ended: after those of which none went well."""


def short_figures(session: Session, now: datetime) -> Any:
    """A subquery of `flow_id`, `sessions` and `completion`, over the days that `stats.flow_figures` looks at.

    Sessions that were not counted yet stand under the flow in which they began: only what is added up already knows of
    jumps between flows. Flows in which nothing ran are not in it.
    """
    accounts = stats.channel_scope(session, None).accounts
    since = stats.days_begin(session, now)[1]
    organization = organization_of(session)
    counted: Any = sa.select(
        col(FlowFigure.flow_id).label("flow_id"), col(FlowFigure.key).label("key"), col(FlowFigure.value).label("value")
    ).where(
        col(FlowFigure.organization_id) == organization,
        col(FlowFigure.measure) == "session",
        col(FlowFigure.hour) >= since,
        col(FlowFigure.channel_account_id).in_(accounts),
    )
    running = sa.select(
        col(FlowSession.flow_id), sa.cast(col(FlowSession.status), sa.Text), sa.literal(1, sa.BigInteger)
    ).where(
        col(FlowSession.organization_id) == organization,
        sa.not_(col(FlowSession.counted)),
        col(FlowSession.started_at) >= since,
        col(FlowSession.started_at) <= now,
        col(FlowSession.channel_account_id).in_(accounts),
    )
    every = sa.union_all(counted, running).subquery()
    key, value = every.c.key, every.c.value
    sessions = sa.func.sum(value)
    well = sa.func.coalesce(sessions.filter(key.in_((*stats.WELL, "handed_off"))), 0)
    ended = sessions.filter(key.not_in(stats.RUNNING))
    rate = sa.func.coalesce(sa.cast(sa.func.round(well / sa.func.nullif(ended, 0), 4), sa.Double), UNKNOWN)
    return (
        sa.select(every.c.flow_id, sa.cast(sessions, sa.Double).label("sessions"), rate.label("completion"))
        .group_by(every.c.flow_id)
        .subquery("short_figures")
    )
