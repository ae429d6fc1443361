"""What the editor's pickers offer: everything of the organization that a flow can name."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session

from pytake_app.accounts import service as accounts
from pytake_app.accounts.schemas import DepartmentCreate
from pytake_app.channels.capabilities import capabilities_of
from pytake_app.contacts import service as contacts
from pytake_app.contacts.catalog_schemas import FieldCreate, TagCreate
from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.tenancy import Permission, Principal, Role
from pytake_app.flows import repository
from pytake_app.flows.environment import forget_world
from pytake_app.outgoing import service as outgoing
from pytake_app.queues import service as queues
from pytake_app.queues.schemas import QueueWrite
from pytake_app.whatsapp import service as whatsapp
from pytake_app.whatsapp.template_parts import TemplateButton, TemplateHeader


class TemplateChoice(BaseModel):
    """A template in one language. `category` and `status` are Meta's words; `variables`: values its body takes."""

    name: str
    language: str
    status: str
    category: str
    body: str
    header: TemplateHeader | None
    footer: str
    buttons: list[TemplateButton]
    variables: int
    variable_names: list[str]


class Choice(BaseModel):
    """Something with an id and a name."""

    id: UUID
    name: str


class AgentChoice(Choice):
    """One of the organization's people."""

    email: str


class FieldChoice(BaseModel):
    """A custom field of contacts."""

    key: str
    label: str
    type: str


class OpenPeriod(BaseModel):
    """Open on `days` (0 Monday … 6 Sunday) from `opens` to `closes`, as a `business_hours` block has it."""

    days: list[int] = Field(default_factory=list)
    opens: str = "09:00"
    closes: str = "18:00"


class CalendarChoice(Choice):
    """A calendar of business hours, with what is open. `periods` and `holidays` as in a `business_hours` block;
    `timezone` empty: the organization's."""

    is_default: bool
    timezone: str
    periods: list[OpenPeriod]
    holidays: list[str]


class FlowChoice(BaseModel):
    """A flow. `live`: it has a published version, so that others may enter it."""

    id: UUID
    slug: str
    name: str
    live: bool


class ChannelChoice(BaseModel):
    """A connected account with what its channel can show."""

    id: UUID
    channel: str
    name: str
    sandbox: bool
    capabilities: dict[str, bool | int | str | None]


class References(BaseModel):
    """All of it. `templates_complete`: false while some number's templates were never fetched."""

    templates: list[TemplateChoice]
    templates_complete: bool
    queues: list[Choice]
    agents: list[AgentChoice]
    departments: list[Choice]
    tags: list[str]
    fields: list[FieldChoice]
    secrets: list[str]
    calendars: list[CalendarChoice]
    flows: list[FlowChoice]
    channels: list[ChannelChoice]


class NewReference(BaseModel):
    """Something that a flow names and that isn't there yet, as a finding's `creates` says it."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["tag", "field", "queue", "department"]
    name: str = Field(min_length=1, max_length=120)


def create(session: Session, principal: Principal, ref: UUID | str, request: NewReference, *, clock: Clock) -> None:
    """Make it.

    Raises:
        NotFoundError: no such flow.
        ConflictError: it is there already.
        InvalidError: it can't have this name.
    """
    principal.needs(Permission.FLOWS_EDIT)  # and what each thing needs of its own, where it is made
    repository.find(session, ref)
    try:
        if request.kind == "tag":
            contacts.create_tag(session, principal, TagCreate(name=request.name), clock=clock)
        elif request.kind == "field":
            label = request.name.replace("_", " ").capitalize()
            contacts.create_field(session, principal, FieldCreate(key=request.name, label=label), clock=clock)
        elif request.kind == "queue":
            queues.create_queue(session, principal, QueueWrite(name=request.name), clock=clock)
        else:
            accounts.create_department(session, principal, DepartmentCreate(name=request.name), clock=clock)
    except ValidationError as error:
        raise InvalidError(
            "It can't have this name.", errors=[FieldError("/name", "not a name for it", "invalid_value")]
        ) from error
    forget_world(session)


def references(session: Session, principal: Principal, ref: UUID | str) -> References:
    """What the flow may name. Each list in the order in which a picker shows it.

    Raises:
        NotFoundError: no such flow.
    """
    principal.require(Role.VIEWER)
    # Who only looks learns neither addresses of people nor what secrets there are.
    works = principal.may(Role.AGENT)
    repository.find(session, ref)
    book = whatsapp.template_book(session)
    return References(
        templates=[TemplateChoice.model_validate(t, from_attributes=True) for t in book.templates],
        templates_complete=book.complete,
        queues=[Choice(id=row[0], name=row[1]) for row in queues.queue_choices(session)],
        agents=[
            AgentChoice(id=row[0], name=row[1], email=row[2] if works else "") for row in accounts.user_choices(session)
        ],
        departments=[Choice(id=row[0], name=row[1]) for row in accounts.department_choices(session)],
        tags=contacts.tag_names(session),
        fields=[FieldChoice(key=key, label=label, type=kind) for key, label, kind in contacts.field_choices(session)],
        secrets=sorted(outgoing.secret_names(session)) if works else [],
        calendars=_calendars(session),
        flows=[FlowChoice(id=row[0], slug=row[1], name=row[2], live=row[3]) for row in repository.choices(session)],
        channels=[
            ChannelChoice(
                id=account.id,
                channel=account.channel,
                name=account.name,
                sandbox=account.sandbox,
                capabilities=asdict(known),
            )
            for account in whatsapp.channel_accounts(session)
            if (known := capabilities_of(account.channel)) is not None
        ],
    )


def _calendars(session: Session) -> list[CalendarChoice]:
    """The default one first."""
    default, others = queues.engine_calendars(session)
    every = [default, *others] if default else others
    return [CalendarChoice.model_validate({**one, "is_default": one is default}) for one in every]
