"""Business hours: calendars with holidays. Functions run in the caller's transaction and never commit."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.errors import ConflictError, FieldError, InvalidError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of
from pytake_app.queues import repository
from pytake_app.queues.models import BusinessCalendar
from pytake_app.queues.schemas import CalendarCreate, CalendarUpdate, CalendarView

MAX_CALENDARS = 100
LOOKED_AHEAD = 21
"""Days in which an opening is looked for."""
_CLOCK = SystemClock()
_OFFICE = {"days": [0, 1, 2, 3, 4], "opens": "09:00", "closes": "18:00"}
_NAMES = {"pt_BR": "Horário comercial", "en": "Office hours", "es": "Horario comercial"}
# Brazil's national holidays of fixed date (Leis 662/1949, 6.802/1980, 14.759/2023).
_BRAZIL = (
    ("01-01", "Confraternização Universal"), ("04-21", "Tiradentes"), ("05-01", "Dia do Trabalho"),
    ("09-07", "Independência do Brasil"), ("10-12", "Nossa Senhora Aparecida"), ("11-02", "Finados"),
    ("11-15", "Proclamação da República"), ("11-20", "Consciência Negra"), ("12-25", "Natal"),
)  # fmt: skip
_EVERYWHERE = {"en": (("01-01", "New Year's Day"), ("12-25", "Christmas Day")),
               "es": (("01-01", "Año Nuevo"), ("12-25", "Navidad"))}  # fmt: skip


def list_calendars(session: Session, principal: Principal, *, clock: Clock = _CLOCK) -> list[CalendarView]:
    """Every calendar, the default first."""
    principal.require(Role.VIEWER)
    zone = _own_zone(session)
    return [_view(calendar, zone, clock.now()) for calendar in repository.all_of(session, BusinessCalendar)]


def get_calendar(session: Session, principal: Principal, calendar_id: UUID, *, clock: Clock = _CLOCK) -> CalendarView:
    """One calendar.

    Raises:
        NotFoundError: none here.
    """
    principal.require(Role.VIEWER)
    return _view(repository.find(session, BusinessCalendar, calendar_id), _own_zone(session), clock.now())


def create_calendar(
    session: Session, principal: Principal, request: CalendarCreate, *, clock: Clock = _CLOCK
) -> CalendarView:
    """A new calendar.

    Raises:
        ConflictError: `name_taken`, `too_many_calendars`.
    """
    principal.needs(Permission.QUEUES_MANAGE)
    if repository.count(session, BusinessCalendar) >= MAX_CALENDARS:
        raise ConflictError(f"An organization has at most {MAX_CALENDARS} calendars.", code="too_many_calendars")
    now = clock.now()
    if request.is_default:
        repository.clear_default(session, BusinessCalendar)
    calendar = BusinessCalendar(
        id=new_id(), organization_id=organization_of(session), created_at=now, updated_at=now,
        **request.model_dump(mode="json"),
    )  # fmt: skip
    return _kept(session, calendar, now)


def update_calendar(
    session: Session, principal: Principal, calendar_id: UUID, request: CalendarUpdate, *, clock: Clock = _CLOCK
) -> CalendarView:
    """Change what the request names.

    Raises:
        NotFoundError: none here.
        ConflictError: `name_taken`, `default_needed` (make another calendar the default instead).
    """
    principal.needs(Permission.QUEUES_MANAGE)
    calendar = repository.find(session, BusinessCalendar, calendar_id, lock=True)
    changes = request.model_dump(mode="json", exclude_unset=True)
    if calendar.is_default and changes.get("is_default") is False:
        raise _default_needed()
    if changes.get("is_default") and not calendar.is_default:
        repository.clear_default(session, BusinessCalendar)
    for name, value in changes.items():
        setattr(calendar, name, value)
    calendar.updated_at = clock.now()
    return _kept(session, calendar, calendar.updated_at)


def _kept(session: Session, calendar: BusinessCalendar, now: datetime) -> CalendarView:
    calendar.name = calendar.name.strip()
    if not calendar.name:
        raise InvalidError("A calendar needs a name.", errors=[FieldError("/name", "is empty", "missing")])
    try:
        with session.begin_nested():
            session.add(calendar)
    except IntegrityError as error:
        raise ConflictError(
            "There is a calendar of this name already.",
            code="name_taken",
            errors=[FieldError("/name", "taken", "name_taken")],
        ) from error
    return _view(calendar, _own_zone(session), now)


def delete_calendar(session: Session, principal: Principal, calendar_id: UUID) -> None:
    """Take a calendar away; queues that follow it are open always.

    Raises:
        NotFoundError: none here.
        ConflictError: `default_needed`: it is the default one.
    """
    principal.needs(Permission.QUEUES_MANAGE)
    calendar = repository.find(session, BusinessCalendar, calendar_id, lock=True)
    if calendar.is_default:
        raise _default_needed()
    session.delete(calendar)
    session.flush()


def calendar_choices(session: Session) -> list[tuple[UUID, str]]:
    """(id, name) of every calendar, the default first; for the verifier and pickers."""
    return repository.choices(session, BusinessCalendar)


def engine_hours(
    periods: list[Any], holidays: list[Any], timezone: str, *, calendar_id: str = "", name: str = ""
) -> dict[str, Any]:
    """A calendar in the form of a `business_hours` block's config, with the id and name by which blocks choose it."""
    days = [holiday["date"] for holiday in holidays if isinstance(holiday, dict) and holiday.get("date")]
    return {"id": calendar_id, "name": name, "periods": periods, "holidays": days, "timezone": timezone}


def engine_calendars(session: Session) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The default calendar (empty when there is none) and the others by name, as the engine reads them."""
    default: dict[str, Any] = {}
    others: list[dict[str, Any]] = []
    for one in repository.all_of(session, BusinessCalendar):
        hours = engine_hours(one.periods, one.holidays, one.timezone, calendar_id=str(one.id), name=one.name)
        if one.is_default:
            default = hours
        else:
            others.append(hours)
    return default, others


def seed_calendar(session: Session, organization_id: UUID, locale: str, *, clock: Clock = _CLOCK) -> None:
    """The first calendar of a new organization: weekdays from nine to six."""
    now = clock.now()
    holidays = _BRAZIL if locale == "pt_BR" else _EVERYWHERE.get(locale, _EVERYWHERE["en"])
    session.add(
        BusinessCalendar(
            id=new_id(),
            organization_id=organization_id,
            name=_NAMES.get(locale, _NAMES["en"]),
            periods=[_OFFICE],
            holidays=[{"date": date, "name": name} for date, name in holidays],
            is_default=True,
            created_at=now,
            updated_at=now,
        )
    )
    session.flush()


def is_open(calendar: BusinessCalendar, zone: str, now: datetime) -> bool:
    """Whether it is open at a moment, by the same rules as the `business_hours` block."""
    local = now.astimezone(ZoneInfo(calendar.timezone or zone))
    holidays = {holiday.get("date") for holiday in calendar.holidays}
    moment, today, yesterday = local.time(), local.date(), local.date() - timedelta(days=1)

    def works(day: date, days: Collection[int]) -> bool:
        return day.weekday() in days and not {day.isoformat(), day.strftime("%m-%d")} & holidays

    for period in calendar.periods:
        days, opens, closes = period["days"], time.fromisoformat(period["opens"]), time.fromisoformat(period["closes"])
        if opens < closes:
            if works(today, days) and opens <= moment < closes:
                return True
        # Past midnight it is still the evening before, which is no holiday's.
        elif (works(today, days) and moment >= opens) or (works(yesterday, days) and moment < closes):
            return True
    return False


def opens_next(calendar: BusinessCalendar, zone: str, now: datetime) -> datetime | None:
    """When a closed calendar opens; None: not within three weeks."""
    home = ZoneInfo(calendar.timezone or zone)
    local = now.astimezone(home)
    days = {holiday.get("date") for holiday in calendar.holidays}
    for ahead in range(LOOKED_AHEAD):
        day = local.date() + timedelta(days=ahead)
        if {day.isoformat(), day.strftime("%m-%d")} & days:
            continue
        openings = (
            datetime.combine(day, time.fromisoformat(period["opens"]), home)
            for period in calendar.periods
            if day.weekday() in period["days"]
        )
        first = min((at for at in openings if at > now), default=None)
        if first is not None:
            return first.astimezone(UTC)
    return None


def _own_zone(session: Session) -> str:
    from pytake_app.accounts import service as accounts

    return accounts.organization_of_session(session).time_zone


def _default_needed() -> ConflictError:
    return ConflictError("There must be a default calendar; make another one the default.", code="default_needed")


def _view(calendar: BusinessCalendar, zone: str, now: datetime) -> CalendarView:
    return CalendarView.model_validate(
        {
            **calendar.model_dump(),
            "effective_timezone": calendar.timezone or zone,
            "open_now": is_open(calendar, zone, now),
        }
    )
