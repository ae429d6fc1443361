"""What the pipeline keeps in memory of flows: which are live, their triggers, their compiled versions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from pytake_app.accounts.lifecycle import ACTIVE
from pytake_app.accounts.service import reopens_for
from pytake_app.engine.compiled import CompiledFlow
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.limits import DEFAULT_OPT_OUT_WORDS
from pytake_app.engine.runner import compile_flow
from pytake_app.engine.session import FlowRef, OrgView
from pytake_app.engine.triggers import TriggerCandidate, flow_triggers
from pytake_app.messaging.sql import Connection, Later
from pytake_app.queues.calendars import engine_hours

MAX_COMPILED = 512

_ACCOUNTS = """
SELECT a.id, a.organization_id, a.channel, a.external_id, a.default_flow_id, a.settings, o.name, o.time_zone, o.locale,
       o.settings, c.periods, c.holidays, c.timezone, c.id, c.name,
       (SELECT jsonb_agg(jsonb_build_array(n.id, n.name, n.periods, n.holidays, n.timezone) ORDER BY n.name)
        FROM business_calendars n WHERE n.organization_id = o.id AND NOT n.is_default),
       o.status
FROM channel_accounts a JOIN organizations o ON o.id = a.organization_id
     LEFT JOIN business_calendars c ON c.organization_id = o.id AND c.is_default
WHERE a.id = ANY(%s)
"""
_LIVE = """
SELECT organization_id, id, live_version, slug FROM flows
WHERE organization_id = ANY(%s) AND status = 'active' AND deleted_at IS NULL AND live_version IS NOT NULL
ORDER BY activated_at DESC NULLS LAST, id
"""
_VERSION = "SELECT document FROM flow_versions WHERE flow_id = %s AND version = %s"
_BY_ID = "SELECT id, live_version FROM flows WHERE organization_id = %s AND deleted_at IS NULL AND id = %s"
_BY_SLUG = "SELECT id, live_version FROM flows WHERE organization_id = %s AND deleted_at IS NULL AND slug = %s"


@dataclass(frozen=True, slots=True)
class AccountView:
    """A channel account with what execution needs of it and of its organization."""

    id: UUID
    organization_id: UUID
    channel: str
    external_id: str
    default_flow_id: UUID | None
    settings: dict[str, Any]
    org: OrgView
    opt_out_words: tuple[str, ...]
    reopens_for: timedelta | None = None
    """A contact who writes within this time after closing goes on with the same conversation."""
    at_rest: bool = False
    """The organization is suspended or to be erased: nothing runs."""


@dataclass(slots=True)
class OrgFlows:
    """An organization's live flows. `live`: version by flow id; candidates per kind of trigger, oldest flow first."""

    fingerprint: tuple[tuple[Any, ...], ...] = ()
    live: dict[UUID, int] = field(default_factory=dict)
    keywords: list[TriggerCandidate] = field(default_factory=list)
    templates: list[TriggerCandidate] = field(default_factory=list)
    universal: list[TriggerCandidate] = field(default_factory=list)
    events: list[TriggerCandidate] = field(default_factory=list)


class FlowCatalog:
    """One a process. Refreshed at the beginning of each batch, so that a publication counts at once."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[tuple[str, int], CompiledFlow] = OrderedDict()
        self._orgs: dict[UUID, OrgFlows] = {}

    def ask_accounts(self, connection: Connection, ids: Sequence[UUID]) -> Later[dict[UUID, AccountView]]:
        """The accounts of a batch."""
        cursor = connection.execute(_ACCOUNTS, (list(ids),))
        return lambda: self._views(cursor.fetchall())

    @staticmethod
    def _views(rows: list[tuple[Any, ...]]) -> dict[UUID, AccountView]:
        views: dict[UUID, AccountView] = {}
        for row in rows:
            words = row[9].get("opt_out_words")
            views[row[0]] = AccountView(
                id=row[0],
                organization_id=row[1],
                channel=row[2],
                external_id=row[3],
                default_flow_id=row[4],
                settings=row[5],
                org=OrgView(
                    id=str(row[1]),
                    name=row[6],
                    timezone=row[7],
                    locale=row[8],
                    hours=engine_hours(
                        row[10] or [], row[11] or [], row[12] or "", calendar_id=str(row[13] or ""), name=row[14] or ""
                    ),
                    calendars=[
                        engine_hours(periods, holidays, zone, calendar_id=key, name=name)
                        for key, name, periods, holidays, zone in row[15] or ()
                    ],
                ),
                opt_out_words=tuple(words) if isinstance(words, list) else DEFAULT_OPT_OUT_WORDS,
                reopens_for=reopens_for(row[9]),
                at_rest=row[16] != ACTIVE,
            )
        return views

    def ask_live(self, connection: Connection, organization_ids: Sequence[UUID]) -> Later[dict[UUID, OrgFlows]]:
        """The live flows of these organizations as of now."""
        cursor = connection.execute(_LIVE, (list(organization_ids),))
        return lambda: self._refreshed(connection, organization_ids, cursor.fetchall())

    def _refreshed(
        self, connection: Connection, organization_ids: Sequence[UUID], found: list[tuple[Any, ...]]
    ) -> dict[UUID, OrgFlows]:
        rows: dict[UUID, list[tuple[Any, ...]]] = {organization_id: [] for organization_id in organization_ids}
        for row in found:
            rows[row[0]].append(row)
        result: dict[UUID, OrgFlows] = {}
        for organization_id, live in rows.items():
            known = self._orgs.get(organization_id)
            if known is None or known.fingerprint != tuple(live):
                known = self._orgs[organization_id] = self._load(connection, live)
            result[organization_id] = known
        return result

    def _load(self, connection: Connection, rows: list[tuple[Any, ...]]) -> OrgFlows:
        flows = OrgFlows(fingerprint=tuple(rows))
        for _organization_id, flow_id, version, _slug in rows:
            document = connection.execute(_VERSION, (flow_id, version)).fetchone()
            if document is None:
                continue
            flows.live[flow_id] = version
            for spec in flow_triggers(FlowDocument.model_validate(document[0])):
                candidate = TriggerCandidate(flow_id=str(flow_id), spec=spec)
                if spec.kind == "keyword":
                    flows.keywords.append(candidate)
                elif spec.kind == "template":
                    flows.templates.append(candidate)
                elif spec.kind == "universal":
                    flows.universal.append(candidate)
                elif spec.kind == "event":
                    flows.events.append(candidate)
        return flows

    def compiled(self, connection: Connection, flow_id: str, version: int) -> CompiledFlow | None:
        """A version ready to run; None when it doesn't exist."""
        key = (flow_id, version)
        flow = self._compiled.get(key)
        if flow is not None:
            self._compiled.move_to_end(key)
            return flow
        row = connection.execute(_VERSION, (flow_id, version)).fetchone()
        if row is None:
            return None
        flow = compile_flow(FlowDocument.model_validate(row[0]), flow_id, version)
        self._compiled[key] = flow
        if len(self._compiled) > MAX_COMPILED:
            self._compiled.popitem(last=False)
        return flow

    def referenced(self, connection: Connection, organization_id: UUID, ref: FlowRef) -> CompiledFlow | None:
        """The flow that another one refers to by id or slug; a published version of the same organization only."""
        try:
            row = connection.execute(_BY_ID, (organization_id, UUID(ref.flow))).fetchone()
        except ValueError:
            row = connection.execute(_BY_SLUG, (organization_id, ref.flow)).fetchone()
        version = ref.version if ref.version is not None else (row[1] if row else None)
        return self.compiled(connection, str(row[0]), version) if row and version is not None else None
