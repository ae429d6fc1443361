"""Nodes that decide: condition, switch, window check, business hours, split."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from typing import Literal

from pydantic import JsonValue, ValidationError

from pytake_app.engine.answers import compile_re2
from pytake_app.engine.compare import OPERATORS, UNARY, Operator, compare
from pytake_app.engine.nodes.base import PORT_ERROR, Config, ConfigIssue, Go, NodeType, Port, setting
from pytake_app.engine.nodes.facts import EntryWindow, Proves, Refers
from pytake_app.engine.nodes.triggers import check_options
from pytake_app.engine.scope import timezone
from pytake_app.engine.session import OrgView
from pytake_app.engine.templating import Template, TemplateCompiler, printed
from pytake_app.engine.textmatch import fold
from pytake_app.engine.visit import Visit


class ConditionRow(Config):
    """One comparison. ``value`` and ``compare_to`` are texts with expressions."""

    value: str = setting("", required=True, variables=True)
    operator: Operator = setting("equals", widget="select", options=OPERATORS)
    compare_to: str = setting("", variables=True)


class ConditionConfig(Config):
    """True when all (or any) of the rows hold."""

    match: Literal["all", "any"] = setting("all", widget="select", options=("all", "any"))
    rows: list[ConditionRow] = setting(factory=list, widget="conditions", required=True, max=20)


@dataclass(frozen=True, slots=True)
class _Row:
    value: Template
    operator: str
    compare_to: Template


@dataclass(frozen=True, slots=True)
class _Condition:
    all: bool
    rows: list[_Row]


def _prepare_condition(config: ConditionConfig, texts: TemplateCompiler) -> _Condition:
    rows = [_Row(texts(r.value), r.operator, texts(r.compare_to)) for r in config.rows]
    return _Condition(config.match == "all", rows)


def _run_condition(visit: Visit, prepared: _Condition) -> Go:
    wanted = not prepared.all
    result = prepared.all and bool(prepared.rows)
    why = "every row holds" if prepared.all else "no row holds"
    for number, row in enumerate(prepared.rows, 1):
        held = compare(visit.value(row.value), row.operator, visit.value(row.compare_to), visit.scope.locale)
        if held == wanted:
            result, why = held, f"row {number} {'holds' if held else 'does not hold'}"
            break
    if visit.failed and visit.has("error"):
        return Go("error", "a value could not be read")
    return Go("true" if result else "false", why)


def _condition_ports(_config: ConditionConfig) -> list[Port]:
    return [
        Port(id="true", label_key="port.true", required=True),
        Port(id="false", label_key="port.false", required=True),
        PORT_ERROR,
    ]


def _check_condition(config: ConditionConfig) -> list[ConfigIssue]:
    issues: list[ConfigIssue] = []
    for i, row in enumerate(config.rows):
        if row.operator not in UNARY and not row.compare_to.strip():
            issues.append(ConfigIssue("missing_value", f"/rows/{i}/compare_to", "warning"))
        if row.operator == "matches" and "{{" not in row.compare_to and compile_re2(row.compare_to) is None:
            params: dict[str, str | int] = {"pattern": row.compare_to[:80]}
            issues.append(ConfigIssue("invalid_pattern", f"/rows/{i}/compare_to", params=params))
    return issues


class SwitchCase(Config):
    """One case: taken when the value compares with ``value`` as ``operator`` says (accents and case aside)."""

    id: str = setting("", required=True)
    operator: Operator = setting("equals", widget="select", options=OPERATORS)
    value: str = setting("", variables=True)
    label: str = setting("")


class SwitchConfig(Config):
    """One value against cases, first match wins."""

    value: str = setting("", required=True, variables=True)
    cases: list[SwitchCase] = setting(factory=list, widget="cases", required=True, max=50)


@dataclass(frozen=True, slots=True)
class _Switch:
    value: Template
    cases: list[tuple[str, str, Template]]
    """Id, operator, what to compare with."""


def _prepare_switch(config: SwitchConfig, texts: TemplateCompiler) -> _Switch:
    return _Switch(texts(config.value), [(c.id, c.operator, texts(c.value)) for c in config.cases])


def _run_switch(visit: Visit, prepared: _Switch) -> Go:
    value = visit.value(prepared.value)
    for key, operator, expected in prepared.cases:
        if compare(value, operator, visit.value(expected), visit.scope.locale):
            return Go(f"case:{key}", f"the value is {printed(value)[:60]!r}")
    if visit.failed and visit.has("error"):
        return Go("error", "a value could not be read")
    return Go("default", "no case matches")


def _switch_ports(config: SwitchConfig) -> list[Port]:
    cases = [Port(id=f"case:{c.id}", label=c.label or c.value, required=True) for c in config.cases]
    return [*cases, Port(id="default", label_key="port.default"), PORT_ERROR]


def _check_switch(config: SwitchConfig) -> list[ConfigIssue]:
    issues = check_options([(f"/cases/{i}", c.id, "") for i, c in enumerate(config.cases)], max_id=100)
    seen: set[tuple[str, str]] = set()
    for i, case in enumerate(config.cases):
        text = "" if case.operator in UNARY else case.value.strip()
        if not text and case.operator not in UNARY:
            issues.append(ConfigIssue("missing_value", f"/cases/{i}/value"))
            continue
        # Only patterns tell small letters from capitals.
        key = (case.operator, text if case.operator == "matches" else fold(text))
        if key in seen:
            issues.append(ConfigIssue("duplicate_case", f"/cases/{i}/value", "warning", {"title": text[:60]}))
        seen.add(key)
        if case.operator == "matches" and "{{" not in text and compile_re2(text) is None:
            issues.append(ConfigIssue("invalid_pattern", f"/cases/{i}/value", params={"pattern": text[:80]}))
    return issues


class WindowConfig(Config):
    """Is the 24 hour window for free-form messages open?"""


def _prepare_window(_config: WindowConfig, _texts: TemplateCompiler) -> None:
    return None


def _run_window(visit: Visit, _prepared: None) -> Go:
    until = visit.ctx.window_expires_at
    if until is not None and until > visit.now:
        return Go("open", "the window is open")
    return Go("closed", "the window has closed" if until else "the window never opened")


def _open_closed(_config: Config) -> list[Port]:
    return [
        Port(id="open", label_key="port.open", required=True),
        Port(id="closed", label_key="port.closed", required=True),
    ]


class HoursPeriod(Config):
    """Open on ``days`` (0 Monday … 6 Sunday) from ``opens`` to ``closes``; past midnight when
    ``closes`` is not after ``opens``."""

    days: list[int] = setting(factory=list, widget="tags")
    opens: str = setting("09:00", widget="time", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    closes: str = setting("18:00", widget="time", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")


class HoursConfig(Config):
    """Open now? Periods of the week, minus holidays (ISO dates, or ``MM-DD`` for every year). A calendar of the
    organization instead, the default one or one by its id or name: its periods and holidays, with these holidays
    added."""

    calendar: Literal["own", "organization", "named"] = setting(
        "own", widget="select", options=("own", "organization", "named")
    )
    calendar_id: str = setting("", widget="calendar", max=120, show_if={"calendar": ["named"]})
    calendar_name: str = setting("", beside="calendar_id", max=120, show_if={"calendar": ["named"]})
    timezone: str = setting("", widget="timezone", advanced=True)
    periods: list[HoursPeriod] = setting(
        factory=list, widget="weekhours", required=True, max=21, show_if={"calendar": ["own"]}
    )
    holidays: list[str] = setting(factory=list, widget="dates", max=100)


@dataclass(frozen=True, slots=True)
class _Hours:
    shared: tuple[str, ...] | None
    """Ids and names of a calendar of the organization; empty: its default one; None: own hours."""
    timezone: str
    periods: list[tuple[frozenset[int], time, time]]
    holidays: frozenset[str]


def _prepare_hours(config: HoursConfig, _texts: TemplateCompiler) -> _Hours:
    return _hours_of(config)


def _hours_of(config: HoursConfig) -> _Hours:
    periods = [(frozenset(p.days), time.fromisoformat(p.opens), time.fromisoformat(p.closes)) for p in config.periods]
    named = tuple(word for word in (config.calendar_id, config.calendar_name) if word)
    shared = {"own": None, "organization": (), "named": named}[config.calendar]
    return _Hours(shared, config.timezone, periods, frozenset(config.holidays))


def _calendar_of(org: OrgView, named: tuple[str, ...]) -> dict[str, JsonValue] | None:
    """The calendar with one of these ids or names, an id first; none are asked for: the default one."""
    if not named:
        return org.hours
    every = [org.hours, *org.calendars]
    for word in named:
        for calendar in every:
            if calendar.get("id") == word:
                return calendar
    for word in named:
        for calendar in every:
            if fold(str(calendar.get("name") or "")) == fold(word):
                return calendar
    return None


def _open_at(prepared: _Hours, local: datetime) -> bool:
    moment, today, yesterday = local.time(), local.date(), local.date() - timedelta(days=1)

    def works(day: date, days: Collection[int]) -> bool:
        return day.weekday() in days and not {day.isoformat(), day.strftime("%m-%d")} & prepared.holidays

    for days, opens, closes in prepared.periods:
        if opens < closes:
            if works(today, days) and opens <= moment < closes:
                return True
        # Past midnight it is still the evening before, which is no holiday's.
        elif (works(today, days) and moment >= opens) or (works(yesterday, days) and moment < closes):
            return True
    return False


def _run_hours(visit: Visit, prepared: _Hours) -> Go:
    if prepared.shared is not None:
        calendar = _calendar_of(visit.ctx.org, prepared.shared)
        if calendar is None:
            visit.error("invalid_config", "the calendar is not there")
            return Go("closed", "the calendar is not there")
        try:
            shared = HoursConfig.model_validate({**calendar, "calendar": "own"})
        except ValidationError:
            shared = HoursConfig()
        if not shared.periods:
            whose = "calendar" if prepared.shared else "organization"
            visit.error("invalid_config", f"the {whose} has no business hours")
            return Go("closed", f"the {whose} has no business hours")
        zone = prepared.timezone or shared.timezone
        holidays = prepared.holidays | frozenset(shared.holidays)
        prepared = replace(_hours_of(shared), timezone=zone, holidays=holidays)
    local = visit.now.astimezone(timezone(prepared.timezone or visit.ctx.org.timezone))
    is_open = _open_at(prepared, local)
    return Go("open" if is_open else "closed", f"it is {local:%a %H:%M}")


def _check_hours(config: HoursConfig) -> list[ConfigIssue]:
    issues = [
        ConfigIssue("missing_value", f"/periods/{i}/days")
        for i, period in enumerate(config.periods)
        if not period.days or any(not 0 <= d <= 6 for d in period.days)
    ]
    if config.calendar == "named" and not (config.calendar_id.strip() or config.calendar_name.strip()):
        issues.append(ConfigIssue("missing_value", "/calendar_id"))
    if config.timezone and str(timezone(config.timezone)) != config.timezone:
        issues.append(ConfigIssue("invalid_timezone", "/timezone", params={"timezone": config.timezone[:60]}))
    issues += [
        ConfigIssue("invalid_holiday", f"/holidays/{i}", "warning", {"date": day[:40]})
        for i, day in enumerate(config.holidays)
        if not _is_day(day)
    ]
    return issues


def _is_day(text: str) -> bool:
    """An ISO date, or ``MM-DD`` (of a leap year)."""
    try:
        date.fromisoformat(text if len(text) > 5 else f"2024-{text}")
    except ValueError:
        return False
    return len(text) in (5, 10)


def _hours_refers(config: HoursConfig) -> list[Refers]:
    named = tuple(word for word in (config.calendar_name, config.calendar_id) if word)
    return [Refers("calendar", named, "/calendar_id", "error")] if config.calendar == "named" and named else []


class SplitBranch(Config):
    id: str = setting("", required=True)
    label: str = setting("", required=True, max=60)
    weight: float = setting(50, widget="number", ge=0, le=100)


class SplitConfig(Config):
    """A/B split by weight. ``sticky``: the same contact always takes the same branch; else every visit draws anew."""

    branches: list[SplitBranch] = setting(factory=list, widget="branches", required=True, max=10)
    sticky: bool = setting(True, widget="switch")


def _prepare_split(config: SplitConfig, _texts: TemplateCompiler) -> SplitConfig:
    return config


def _run_split(visit: Visit, prepared: SplitConfig) -> Go:
    total = sum(b.weight for b in prepared.branches)
    if total <= 0:
        visit.error("invalid_config", "the branches weigh nothing")
        return Go("error", "the branches weigh nothing")
    # A hash instead of a random source, so that a replay splits the same way. Not a checksum: of a CRC, what two splits
    # of a flow draw for the same contact depends on each other.
    sticky = prepared.sticky and visit.ctx.contact.id
    seed = visit.ctx.contact.id if sticky else f"{visit.session.id}:{visit.draw()}"
    drawn = int.from_bytes(blake2b(f"{seed}:{visit.node.id}".encode(), digest_size=6).digest())
    point = drawn / 2**48 * total
    for branch in prepared.branches:
        point -= branch.weight
        if point < 0:
            return Go(f"branch:{branch.id}", "drawn by weight")
    return Go(f"branch:{prepared.branches[-1].id}", "drawn by weight")


def _split_ports(config: SplitConfig) -> list[Port]:
    return [*(Port(id=f"branch:{b.id}", label=b.label, required=True) for b in config.branches), PORT_ERROR]


def _check_split(config: SplitConfig) -> list[ConfigIssue]:
    issues = check_options([(f"/branches/{i}", b.id, b.label) for i, b in enumerate(config.branches)], max_id=100)
    issues = [i for i in issues if i.code != "duplicate_option_title"]
    if config.branches and sum(b.weight for b in config.branches) <= 0:
        issues.append(ConfigIssue("missing_value", "/branches/0/weight"))
    return issues


_PROVING = frozenset({"equals", "contains", "starts_with", "ends_with", "greater", "greater_or_equal", "less",
                       "less_or_equal", "not_empty"})  # fmt: skip
_NAME = re.compile(r"^\s*\{\{\s*(?:session\.)?([A-Za-z_]\w*)\s*\}\}\s*$")


def _condition_proves(config: ConditionConfig) -> list[Proves]:
    """A row that only holds for a value that is there: its variable is set on the port it leads to."""
    proved: list[Proves] = []
    single = len(config.rows) == 1
    for row in config.rows:
        name = _NAME.match(row.value)
        if name is None:
            continue
        fixed = "{{" not in row.compare_to and bool(row.compare_to.strip())
        if row.operator in _PROVING and (fixed or row.operator == "not_empty") and (single or config.match == "all"):
            proved.append(Proves(name[1], "true"))
        elif row.operator == "empty" and (single or config.match == "any"):
            proved.append(Proves(name[1], "false"))
    return proved


def _window_of(port: str) -> EntryWindow:
    return "open" if port == "open" else "closed"


CONDITION = NodeType(
    type="condition", group="logic", icon="git-branch", aliases=("if",), config_model=ConditionConfig,
    ports=_condition_ports, prepare=_prepare_condition, run=_run_condition, check=_check_condition,
    proves=_condition_proves,
    default_config={"match": "all", "rows": [{"value": "", "operator": "equals", "compare_to": ""}]},
)  # fmt: skip
SWITCH = NodeType(
    type="switch", group="logic", icon="split", config_model=SwitchConfig, ports=_switch_ports,
    prepare=_prepare_switch, run=_run_switch, check=_check_switch, summary_field="value",
    default_config={"value": "", "cases": [{"id": "case_1", "operator": "equals", "value": "", "label": ""}]},
)  # fmt: skip
LOGIC_WINDOW_CHECK = NodeType(
    type="logic_window_check", group="logic", icon="clock-alert", aliases=("window_check",),
    config_model=WindowConfig, ports=_open_closed, prepare=_prepare_window, run=_run_window, window=_window_of,
)  # fmt: skip
BUSINESS_HOURS = NodeType(
    type="business_hours", group="logic", icon="calendar-clock", config_model=HoursConfig, ports=_open_closed,
    prepare=_prepare_hours, run=_run_hours, check=_check_hours, refers=_hours_refers,
    default_config={"periods": [{"days": [0, 1, 2, 3, 4], "opens": "09:00", "closes": "18:00"}], "holidays": []},
)  # fmt: skip
RANDOM_SPLIT = NodeType(
    type="random_split", group="logic", icon="dices", config_model=SplitConfig, ports=_split_ports,
    prepare=_prepare_split, run=_run_split, check=_check_split,
    default_config={
        "branches": [{"id": "a", "label": "A", "weight": 50}, {"id": "b", "label": "B", "weight": 50}],
        "sticky": True,
    },
)  # fmt: skip
