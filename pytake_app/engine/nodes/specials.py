"""WhatsApp's other messages: contact cards, reactions, the request for a location, forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import JsonValue

from pytake_app.engine.answers import normalize_phone
from pytake_app.engine.content import (
    ContactCard,
    ContactPhone,
    ContactsContent,
    ContentHeader,
    FormContent,
    LocationRequestContent,
    ReactionContent,
)
from pytake_app.engine.limits import (
    EXPIRY_RANGE_MINUTES,
    MAX_VARIABLE_NAME,
    WA_FOOTER,
    WA_FORM_BODY,
    WA_FORM_CTA,
    WA_HEADER,
    WA_LOCATION_BODY,
)
from pytake_app.engine.nodes.base import (
    PORT_ERROR,
    PORT_OTHER,
    PORT_TIMEOUT,
    Config,
    ConfigIssue,
    Finish,
    Go,
    NodeType,
    Outcome,
    Port,
    WaitFor,
    always,
    setting,
)
from pytake_app.engine.nodes.facts import REPLY, Pause, Sends, Writes, usual_pause
from pytake_app.engine.nodes.inputs import skipped_question
from pytake_app.engine.nodes.menus import VARIABLE_NAME
from pytake_app.engine.nodes.messages import send_ports, skipped
from pytake_app.engine.scope import NAMESPACES
from pytake_app.engine.session import LastInput, Resume
from pytake_app.engine.templating import Template, TemplateCompiler
from pytake_app.engine.visit import Visit

MAX_CARDS = 20


class CardRow(Config):
    """One card. ``phone`` as people write it."""

    name: str = setting("", required=True, variables=True, max=200)
    phone: str = setting("", variables=True, max=40)
    email: str = setting("", variables=True, max=254)
    organization: str = setting("", variables=True, max=200)


class ContactsConfig(Config):
    """Contact cards that the contact can save."""

    contacts: list[CardRow] = setting(factory=list, widget="keyvalue", required=True, max=MAX_CARDS)


_Card = tuple[Template, Template, Template, Template]


def _prepare_contacts(config: ContactsConfig, texts: TemplateCompiler) -> list[_Card]:
    return [(texts(c.name), texts(c.phone), texts(c.email), texts(c.organization)) for c in config.contacts]


def _run_contacts(visit: Visit, prepared: list[_Card]) -> Outcome:
    cards: list[ContactCard] = []
    for card in prepared[:MAX_CARDS]:
        name, phone, email, organization = (visit.text(t).strip() for t in card)
        if not name:
            continue
        number = normalize_phone(phone) if phone else None
        phones = [ContactPhone(phone=number or phone, wa_id=number[1:] if number else None)] if phone else []
        first = name.split(maxsplit=1)[0]
        cards.append(
            ContactCard(
                formatted_name=name, first_name=first, phones=phones, emails=[email] if email else [],
                organization=organization,
            )
        )  # fmt: skip
    if visit.failed and visit.has("error"):
        return Go("error", "a text could not be rendered")
    if not cards:
        return skipped(visit)
    visit.send(ContactsContent(contacts=cards))
    return Go("next", "sent")


def _contacts_sends(_config: ContactsConfig, _wired: frozenset[str]) -> list[Sends]:
    return [Sends("contacts", pointer="/contacts")]


class ReactionConfig(Config):
    """An emoji on the contact's last message; empty takes it back."""

    emoji: str = setting("👍", widget="emoji", variables=True, max=8)


def _prepare_reaction(config: ReactionConfig, texts: TemplateCompiler) -> Template:
    return texts(config.emoji)


def _run_reaction(visit: Visit, emoji: Template) -> Outcome:
    last = visit.session.last_input
    if last is None or not last.external_id:
        return Go("next", "no message of the contact to react to")
    visit.send(ReactionContent(message_external_id=last.external_id, emoji=visit.text(emoji).strip()[:8]))
    return Go("next", "reacted")


def _reaction_sends(_config: ReactionConfig, _wired: frozenset[str]) -> list[Sends]:
    return [Sends("reaction", least=0, pointer="/emoji")]


class LocationRequestConfig(Config):
    """Asks where the contact is, with a button that sends the location; ``variable`` gets latitude and longitude."""

    body: str = setting("", widget="textarea", required=True, variables=True, max=WA_LOCATION_BODY, translate="text")
    variable: str = setting("location", widget="variable", pattern=VARIABLE_NAME)
    max_attempts: int = setting(3, widget="number", ge=1, le=10, advanced=True)
    timeout_minutes: float | None = setting(None, widget="duration", gt=0, le=EXPIRY_RANGE_MINUTES[1], advanced=True)


@dataclass(frozen=True, slots=True)
class _Asking:
    config: LocationRequestConfig
    body: Template


def _prepare_asking(config: LocationRequestConfig, texts: TemplateCompiler) -> _Asking:
    return _Asking(config, texts(config.body))


def _ask_location(visit: Visit, prepared: _Asking, attempts: int) -> Outcome:
    body = visit.clipped(prepared.body, WA_LOCATION_BODY)
    if visit.failed and visit.has("error"):
        return Go("error", "a text could not be rendered")
    if not body.strip():
        return skipped_question(visit)
    visit.send(LocationRequestContent(body=body))
    return _wait(visit, prepared.config.timeout_minutes, attempts, "waits for a location")


def _wait(visit: Visit, minutes: float | None, attempts: int, why: str) -> WaitFor:
    return WaitFor("message", visit.minutes_from_now(minutes) if minutes else None, attempts, why)


def _run_asking(visit: Visit, prepared: _Asking) -> Outcome:
    return _ask_location(visit, prepared, 0)


def _resume_asking(visit: Visit, prepared: _Asking, _resume: Resume) -> Outcome:
    last = visit.session.last_input or LastInput()
    if last.latitude is not None and last.longitude is not None:
        if prepared.config.variable:
            place: dict[str, JsonValue] = {"latitude": last.latitude, "longitude": last.longitude}
            visit.set_variable(prepared.config.variable, place)
        return Go("received", "the contact sent a location")
    if visit.has("other"):
        return Go("other", "the answer is no location")
    attempts = (visit.wait.attempts if visit.wait else 0) + 1
    if attempts >= prepared.config.max_attempts:
        return Finish("completed", "no_match", "the answer is no location; no attempts left")
    return _ask_location(visit, prepared, attempts)


def _asking_ports(_config: LocationRequestConfig) -> list[Port]:
    return [Port(id="received", label_key="port.received", required=True), PORT_OTHER, PORT_TIMEOUT, PORT_ERROR]


def _asking_writes(config: LocationRequestConfig) -> list[Writes]:
    return [Writes(config.variable, "object", frozenset({"received"}), "/variable")] if config.variable else []


def _asking_sends(config: LocationRequestConfig, wired: frozenset[str]) -> list[Sends]:
    sends = [Sends("location_request")]
    if config.max_attempts > 1 and "other" not in wired:
        sends.append(Sends("location_request", "reply", 0, config.max_attempts - 1))
    return sends


class FormDataRow(Config):
    """A value for the form's first screen."""

    name: str = setting("", required=True, max=MAX_VARIABLE_NAME)
    value: str = setting("", variables=True)


class FormConfig(Config):
    """A WhatsApp Flows form, opened by a button. ``variable`` gets all answers; with ``each`` every answer is also a
    variable of its own name."""

    header: str = setting("", variables=True, max=WA_HEADER, advanced=True, translate="text")
    body: str = setting("", widget="textarea", required=True, variables=True, max=WA_FORM_BODY, translate="text")
    footer: str = setting("", variables=True, max=WA_FOOTER, advanced=True, translate="text")
    cta: str = setting("", required=True, variables=True, max=WA_FORM_CTA, translate="text")
    flow_id: str = setting("", required=True, max=100)
    screen: str = setting("", max=100, advanced=True)
    data: list[FormDataRow] = setting(factory=list, widget="keyvalue", max=50, advanced=True)
    mode: Literal["published", "draft"] = setting(
        "published", widget="select", options=("published", "draft"), advanced=True
    )
    variable: str = setting("form", widget="variable", pattern=VARIABLE_NAME)
    each: bool = setting(False, widget="switch", advanced=True)
    timeout_minutes: float | None = setting(None, widget="duration", gt=0, le=EXPIRY_RANGE_MINUTES[1], advanced=True)


@dataclass(frozen=True, slots=True)
class _Form:
    config: FormConfig
    header: Template
    body: Template
    footer: Template
    cta: Template
    data: list[tuple[str, Template]]


def _prepare_form(config: FormConfig, texts: TemplateCompiler) -> _Form:
    data = [(d.name, texts(d.value)) for d in config.data if d.name.strip()]
    return _Form(config, texts(config.header), texts(config.body), texts(config.footer), texts(config.cta), data)


def _run_form(visit: Visit, prepared: _Form) -> Outcome:
    config = prepared.config
    body, cta = visit.clipped(prepared.body, WA_FORM_BODY), visit.clipped(prepared.cta, WA_FORM_CTA)
    header, footer = visit.clipped(prepared.header, WA_HEADER), visit.clipped(prepared.footer, WA_FOOTER)
    data = {name: visit.value(value) for name, value in prepared.data}
    if visit.failed and visit.has("error"):
        return Go("error", "a text could not be rendered")
    flow = config.flow_id.strip()
    if not body.strip() or not cta.strip() or not flow:
        return skipped_question(visit)
    visit.send(
        FormContent(
            header=ContentHeader(text=header) if header.strip() else None,
            body=body,
            footer=footer,
            cta=cta,
            flow_id=flow if flow.isdigit() else None,
            flow_name=None if flow.isdigit() else flow,
            flow_token=f"{visit.session.id}:{visit.node.id}",
            mode="draft" if config.mode == "draft" else None,
            screen=config.screen or None,
            data=data or None,
        )
    )
    return _wait(visit, config.timeout_minutes, 0, "waits for the form")


def _resume_form(visit: Visit, prepared: _Form, _resume: Resume) -> Outcome:
    last = visit.session.last_input or LastInput()
    if last.form is None:
        # Words instead of the form: they are for `other`; unwired, the form is still open on the phone.
        if visit.has("other"):
            return Go("other", "the answer is not the form")
        wait = visit.wait
        return WaitFor("message", wait.timeout_at if wait else None, (wait.attempts if wait else 0) + 1, "not the form")
    config = prepared.config
    if config.variable:
        visit.set_variable(config.variable, last.form)
    if config.each:
        for name, value in last.form.items():
            usable = name.isidentifier() and name.isascii() and name not in NAMESPACES
            if usable and len(name) <= MAX_VARIABLE_NAME:
                visit.set_variable(name, value)
    return Go("submitted", "the form was submitted")


def _form_ports(_config: FormConfig) -> list[Port]:
    return [Port(id="submitted", label_key="port.submitted", required=True), PORT_OTHER, PORT_TIMEOUT, PORT_ERROR]


def _form_writes(config: FormConfig) -> list[Writes]:
    return [Writes(config.variable, "object", frozenset({"submitted"}), "/variable")] if config.variable else []


def _form_sends(_config: FormConfig, _wired: frozenset[str]) -> list[Sends]:
    return [Sends("form")]


def _form_pause(config: Any, port: str, _wired: frozenset[str]) -> Pause:
    return REPLY if port == "submitted" else usual_pause(config, port, waits=True)


def _check_form(config: FormConfig) -> list[ConfigIssue]:
    if config.data and not config.screen.strip():
        return [ConfigIssue("missing_value", "/screen")]
    return []


MSG_CONTACTS = NodeType(
    type="msg_contacts", group="message", icon="contact", aliases=("contacts",), config_model=ContactsConfig,
    ports=send_ports, prepare=_prepare_contacts, run=_run_contacts, sends=_contacts_sends,
    default_config={"contacts": [{"name": "", "phone": "", "email": "", "organization": ""}]},
)  # fmt: skip
MSG_REACTION = NodeType(
    type="msg_reaction", group="message", icon="smile-plus", aliases=("reaction",), config_model=ReactionConfig,
    ports=send_ports, prepare=_prepare_reaction, run=_run_reaction, sends=_reaction_sends, summary_field="emoji",
    default_config={"emoji": "👍"},
)  # fmt: skip
MSG_LOCATION_REQUEST = NodeType(
    type="msg_location_request", group="message", icon="locate", aliases=("location_request",),
    config_model=LocationRequestConfig, ports=_asking_ports, prepare=_prepare_asking, run=_run_asking,
    resume=_resume_asking, waits=always, writes=_asking_writes, sends=_asking_sends, summary_field="body",
    default_config={"body": "", "variable": "location"},
)  # fmt: skip
MSG_FORM = NodeType(
    type="msg_form", group="message", icon="clipboard-list", aliases=("form", "whatsapp_flow"),
    config_model=FormConfig, ports=_form_ports, prepare=_prepare_form, run=_run_form, resume=_resume_form,
    waits=always, check=_check_form, pause=_form_pause, writes=_form_writes, sends=_form_sends, summary_field="body",
    default_config={"body": "", "cta": "", "flow_id": "", "variable": "form"},
)  # fmt: skip
