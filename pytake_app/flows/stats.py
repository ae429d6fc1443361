"""Figures of a flow: where people come from, where they go on to, where they stop; and short ones for lists."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.errors import InvalidError
from pytake_app.core.tenancy import Permission, Principal, organization_of, scoped
from pytake_app.engine.document import FlowDocument
from pytake_app.flows import repository
from pytake_app.flows.models import Flow
from pytake_app.flows.stats_rollup import CONTRIBUTIONS, median_of
from pytake_app.flows.stats_schemas import ChannelChoice, DayCount, EdgeStats, FlowFigures, FlowStats, NodeStats
from pytake_app.whatsapp.models import ChannelAccount

RUNNING = frozenset(repository.RUNNING)
WELL = frozenset({"completed", "left"})
DEAD_ENDS = frozenset({"other", "timeout", "invalid", "error"})
"""Exits by which nobody wants a conversation to end: a session that completes by one has been lost there."""
_ALL_MEASURES = ("session", "outcome", "handoff", "entry", "reach", "visit", "port", "stop", "retry", "stay")

_SUMS: LiteralString = """
SELECT version, node_id, measure, key, sum(value)::bigint FROM flow_figures
WHERE flow_id = %(flow)s AND measure = ANY(%(measures)s) AND hour >= %(since)s AND hour <= %(until)s
  AND channel_account_id = ANY(%(accounts)s) AND organization_id = %(organization)s
GROUP BY 1, 2, 3, 4
"""
_UNCOUNTED: LiteralString = (
    "s.organization_id = %(organization)s AND NOT s.counted AND s.started_at >= %(since)s "
    "AND s.started_at <= %(until)s AND s.channel_account_id = ANY(%(accounts)s)"
)
_LIVE: LiteralString = (
    CONTRIBUTIONS.replace("{runs}", _UNCOUNTED)
    + """
SELECT version, node_id, measure, key, sum(value)::bigint FROM found WHERE flow_id = %(flow)s GROUP BY 1, 2, 3, 4
"""
)
_DAYS: LiteralString = """
SELECT flow_id, (hour AT TIME ZONE %(zone)s)::date, measure, key, sum(value)::bigint FROM flow_figures
WHERE flow_id = ANY(%(flows)s) AND measure IN ('session', 'handoff') AND hour >= %(since)s
  AND channel_account_id = ANY(%(accounts)s) AND organization_id = %(organization)s
GROUP BY 1, 2, 3, 4
"""
_LIVE_DAYS: LiteralString = (
    CONTRIBUTIONS.replace("{runs}", _UNCOUNTED)
    + """
SELECT flow_id, (hour AT TIME ZONE %(zone)s)::date, measure, key, sum(value)::bigint FROM found
WHERE flow_id = ANY(%(flows)s) AND measure IN ('session', 'handoff') GROUP BY 1, 2, 3, 4
"""
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which channel accounts are looked at, and what that is called."""

    channel: str
    accounts: list[UUID]
    choices: list[ChannelChoice]


def channel_scope(session: Session, channel: str | None) -> Scope:
    """The accounts that `channel` names.

    Parameters:
        channel: an account's id, a kind of channel (`whatsapp`), `real`, `all`; None is `real`, or `all` while the
            organization has nothing but the sandbox.

    Raises:
        InvalidError: code `unknown_channel`.
    """
    order = (col(ChannelAccount.sandbox), col(ChannelAccount.created_at), col(ChannelAccount.id))
    rows = list(session.exec(scoped(session, ChannelAccount).order_by(*order)))
    choices = [ChannelChoice(id=row.id, name=row.name, channel=row.channel, sandbox=row.sandbox) for row in rows]
    real = [row.id for row in rows if not row.sandbox]
    if channel in (None, "", "all", "real"):
        name = channel or ("real" if real else "all")
        return Scope(name, real if name == "real" else [row.id for row in rows], choices)
    key = repository.parse_ref(str(channel))
    named = [row.id for row in rows if row.id == key or (row.channel == key and not row.sandbox)]
    if not named:
        raise InvalidError("There is no such channel.", code="unknown_channel")
    return Scope(str(channel), named, choices)


def hour_before(moment: datetime, days: int) -> datetime:
    """The beginning of the hour `days` days before: figures are kept by the hour."""
    return (moment - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)


def flow_stats(
    session: Session,
    principal: Principal,
    ref: UUID | str,
    *,
    days: int = 30,
    version: int | None = None,
    channel: str | None = None,
    clock: Clock = SystemClock(),  # noqa: B008  # stateless
) -> FlowStats:
    """Figures of the sessions that began in the last `days` days.

    Parameters:
        version: only runs of this version; None for all.
        channel: see `channel_scope`.

    Raises:
        InvalidError: code `unknown_channel`.
    """
    principal.needs(Permission.ANALYTICS_READ)
    flow = repository.find(session, ref)
    scope = channel_scope(session, channel)
    now = clock.now()
    since = hour_before(now, days)
    parameters = {
        "flow": flow.id, "organization": organization_of(session), "since": since, "until": now,
        "accounts": scope.accounts, "measures": list(_ALL_MEASURES),
    }  # fmt: skip
    connection = session.connection()
    rows = [tuple(row) for statement in (_SUMS, _LIVE) for row in connection.exec_driver_sql(statement, parameters)]
    tally = _Tally()
    for of_version, node_id, measure, key, value in rows:
        tally.versions.add(of_version)
        if version is None or of_version == version:
            tally.add(node_id, measure, key, int(value))
    document = _document(session, flow, version)
    return tally.stats(flow.id, days, since, now, version, scope, document)


def _document(session: Session, flow: Flow, version: int | None) -> FlowDocument:
    number = version if version is not None else flow.live_version
    raw = flow.draft_document if number is None else repository.version(session, flow.id, number).document
    return FlowDocument.model_validate(raw)


@dataclass(slots=True)
class _Tally:
    """Sums by what they are of."""

    versions: set[int] = field(default_factory=set)
    plain: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """measure of the whole flow → key → count."""
    nodes: dict[str, dict[str, Counter[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Counter)))
    """node → measure → key → count."""

    def add(self, node_id: str, measure: str, key: str, value: int) -> None:
        if measure in ("session", "outcome", "handoff"):
            self.plain[measure][key] += value
        else:
            self.nodes[node_id][measure][key] += value

    def stats(
        self,
        flow_id: UUID,
        days: int,
        since: datetime,
        until: datetime,
        version: int | None,
        scope: Scope,
        document: FlowDocument,
    ) -> FlowStats:
        sessions, handed = self.plain["session"], self.plain["handoff"]
        by_status: Counter[str] = Counter()
        for state, count in sessions.items():
            by_status["completed" if state == "left" else state] += count
        nodes = [_node(node_id, found) for node_id, found in sorted(self.nodes.items())]
        known = {node.node_id: node for node in nodes}
        alone = {state: count - handed.get(state, 0) for state, count in sessions.items()}
        lost = sum(
            count for node in nodes for reason, count in node.drop_reasons.items() if reason.startswith("dead_end")
        )
        completed = sum(alone.get(state, 0) for state in WELL)
        return FlowStats(
            flow_id=flow_id,
            days=days,
            since=since,
            until=until,
            version=version,
            versions=sorted((number for number in self.versions if number), reverse=True),
            channel=scope.channel,
            channels=scope.choices,
            started=sum(sessions.values()),
            in_progress=sum(alone.get(state, 0) for state in RUNNING),
            completed=max(0, completed - lost),
            handed_off=sum(handed.values()),
            dropped=sum(alone.get(state, 0) for state in ("expired", "failed", "interrupted")) + min(lost, completed),
            by_status=dict(by_status),
            by_outcome=dict(self.plain["outcome"]),
            completion_rate=_rate(sessions),
            nodes=nodes,
            edges=[_edge(edge.source, edge.port, edge.target, known) for edge in document.edges],
        )


def _rate(sessions: Counter[str] | dict[str, int]) -> float | None:
    well = sum(sessions.get(state, 0) for state in (*WELL, "handed_off"))
    ended = sum(sessions.values()) - sum(sessions.get(state, 0) for state in RUNNING)
    return round(well / ended, 4) if ended else None


def _node(node_id: str, found: dict[str, Counter[str]]) -> NodeStats:
    reasons: Counter[str] = Counter()
    here = finished = handed = 0
    for key, count in found["stop"].items():
        state, _, port = key.partition(":")
        if state in RUNNING:
            here += count
        elif state == "handed_off":
            handed += count
        elif state in ("expired", "failed", "interrupted"):
            reasons[state] += count
        elif state == "completed" and port in DEAD_ENDS:
            reasons[f"dead_end:{port}"] += count
        elif state == "completed":
            finished += count
    reached, dropped = found["reach"].total(), reasons.total()
    return NodeStats(
        node_id=node_id,
        visits=found["visit"].total(),
        reached=reached,
        entered=found["entry"].total(),
        ports=dict(found["port"]),
        here_now=here,
        dropped=dropped,
        drop_share=round(dropped / reached, 4) if reached else None,
        drop_reasons=dict(reasons),
        finished=finished,
        handed_off=handed,
        retries=found["retry"].total(),
        median_seconds=_rounded(median_of({int(key): count for key, count in found["stay"].items()})),
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _edge(source: str, port: str, target: str, nodes: dict[str, NodeStats]) -> EdgeStats:
    node = nodes.get(source)
    count = node.ports.get(port, 0) if node else 0
    share = round(count / node.visits, 4) if node and node.visits else None
    return EdgeStats(source=source, port=port, target=target, count=count, share=share)


def days_begin(session: Session, now: datetime, days: int = 14) -> tuple[date, datetime]:
    """The first of the last `days` days, today included, and when it began in the organization's time zone."""
    zone = ZoneInfo(accounts.time_zone_of(session))
    first = now.astimezone(zone).date() - timedelta(days=days - 1)
    return first, datetime(first.year, first.month, first.day, tzinfo=zone)


def flow_figures(
    session: Session,
    flow_ids: Iterable[UUID],
    *,
    days: int = 14,
    clock: Clock = SystemClock(),  # noqa: B008
) -> dict[UUID, FlowFigures]:
    """Short figures of several flows, for lists: two statements however many flows.

    Parameters:
        flow_ids: of the transaction's organization; every one is in the answer, with zeros when nothing ran.
        days: length of the sparkline, in days of the organization's time zone, today included.

    Sessions on the sandbox phone don't count, unless the organization has nothing but the sandbox.
    `GET /flows?figures=true` answers the same in each row's `figures`.
    """
    wanted = list(dict.fromkeys(flow_ids))
    first, since = days_begin(session, clock.now(), days)
    scope = channel_scope(session, None)
    parameters = {
        "flows": wanted, "zone": str(since.tzinfo), "since": since, "until": clock.now(), "accounts": scope.accounts,
        "organization": organization_of(session),
    }  # fmt: skip
    sessions: dict[UUID, Counter[str]] = defaultdict(Counter)
    handed: Counter[UUID] = Counter()
    started: dict[UUID, Counter[date]] = defaultdict(Counter)
    if wanted:
        connection = session.connection()
        for statement in (_DAYS, _LIVE_DAYS):
            rows: Sequence[Any] = connection.exec_driver_sql(statement, parameters).all()
            for flow_id, day, measure, key, value in rows:
                if measure == "handoff":
                    handed[flow_id] += int(value)
                else:
                    sessions[flow_id][key] += int(value)
                    started[flow_id][day] += int(value)
    span = [first + timedelta(days=number) for number in range(days)]
    return {
        flow_id: FlowFigures(
            flow_id=flow_id,
            sessions=sessions[flow_id].total(),
            completed=sum(sessions[flow_id].get(state, 0) for state in WELL),
            handed_off=handed[flow_id],
            completion_rate=_rate(sessions[flow_id]),
            days=[DayCount(day=day, started=started[flow_id].get(day, 0)) for day in span],
        )
        for flow_id in wanted
    }
