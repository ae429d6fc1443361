"""Ready-made flows: what a new organization begins with, and the gallery to start from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.tenancy import Principal, Role
from pytake_app.engine.document import FlowDocument
from pytake_app.flows import catalog, documents, publishing
from pytake_app.flows.schemas import FlowView, StarterView
from pytake_app.flows.starters import appointment, lead_capture, main_menu, orders, smart_support
from pytake_app.flows.starters.drawing import LOCALES, Drawing


@dataclass(frozen=True, slots=True)
class Starter:
    """A starter; names and descriptions in the order of `LOCALES`."""

    key: str
    icon: str
    names: tuple[str, str, str]
    descriptions: tuple[str, str, str]
    draw: Callable[[Drawing], None]

    def document(self, locale: str) -> FlowDocument:
        """The flow in a language."""
        drawing = Drawing(locale=known_locale(locale))
        self.draw(drawing)
        return drawing.document(self.name(locale))

    def name(self, locale: str) -> str:
        """Its name in a language."""
        return self.names[LOCALES.index(known_locale(locale))]

    def description(self, locale: str) -> str:
        """What it does, in a language."""
        return self.descriptions[LOCALES.index(known_locale(locale))]


STARTERS: tuple[Starter, ...] = (
    Starter(
        "main_menu",
        "hand",
        ("Boas-vindas e menu", "Welcome and menu", "Bienvenida y menú"),
        (
            "Cumprimenta quem chega, mostra um menu com botões e passa para a equipe quando pedem.",
            "Greets whoever writes, shows a menu with buttons and hands over to the team when asked.",
            "Saluda a quien escribe, muestra un menú con botones y pasa al equipo cuando lo piden.",
        ),
        main_menu.draw,
    ),
    Starter(
        "smart_support",
        "life-buoy",
        ("Suporte inteligente", "Smart support", "Soporte inteligente"),
        (
            "Entende a frase do cliente, responde às dúvidas comuns e chama uma pessoa para o resto.",
            "Understands what the customer writes, answers common questions and calls a person for the rest.",
            "Entiende lo que escribe el cliente, responde dudas comunes y llama a una persona para lo demás.",
        ),
        smart_support.draw,
    ),
    Starter(
        "orders",
        "package",
        ("Pedidos e trocas", "Orders and exchanges", "Pedidos y cambios"),
        (
            "Pede o número do pedido ou a foto do produto e entrega tudo pronto para a equipe.",
            "Asks for the order number or a photo of the product and hands it all to the team.",
            "Pide el número de pedido o la foto del producto y lo entrega todo listo al equipo.",
        ),
        orders.draw,
    ),
    Starter(
        "appointment",
        "calendar-check",
        ("Agendar horário", "Book an appointment", "Agendar una cita"),
        (
            "Pergunta serviço, dia e horário, confirma e avisa a equipe.",
            "Asks for service, day and time, confirms and tells the team.",
            "Pregunta servicio, día y hora, confirma y avisa al equipo.",
        ),
        appointment.draw,
    ),
    Starter(
        "lead_capture",
        "user-plus",
        ("Captar contatos", "Capture leads", "Captar contactos"),
        (
            "Coleta nome, e-mail e interesse e guarda tudo no contato.",
            "Collects name, e-mail and interest and keeps them with the contact.",
            "Recoge nombre, correo e interés y los guarda en el contacto.",
        ),
        lead_capture.draw,
    ),
)
SEEDED = ("main_menu", "smart_support")
BY_KEY = {starter.key: starter for starter in STARTERS}


def known_locale(locale: str) -> str:
    """One of our locales: `pt-BR`, `pt` → `pt_BR`; unknown ones get Portuguese."""
    plain = locale.replace("-", "_")
    return next((known for known in LOCALES if known == plain or known[:2] == plain[:2]), LOCALES[0])


def list_starters(locale: str) -> list[StarterView]:
    """The gallery."""
    views = []
    for starter in STARTERS:
        document = starter.document(locale)
        views.append(
            StarterView(
                key=starter.key,
                name=starter.name(locale),
                description=starter.description(locale),
                icon=starter.icon,
                node_count=len(document.nodes),
                document=documents.stored(document),
            )
        )
    return views


def create_from_starter(
    session: Session, principal: Principal, *, starter: str, name: str | None, locale: str, clock: Clock
) -> FlowView:
    """A new flow from a starter.

    Raises:
        InvalidError: no such starter.
    """
    principal.require(Role.ORG_ADMIN)
    found = BY_KEY.get(starter)
    if found is None:
        raise InvalidError("There is no such starter.", errors=[FieldError("/starter", "unknown starter", "unknown")])
    document = found.document(locale)
    flow = catalog.insert(
        session, name=name or found.name(locale), document=document, by=principal.user_id, clock=clock, slug=starter
    )
    return catalog.get_flow(session, principal, flow.id, clock=clock)


def seed(session: Session, organization_id: UUID, locale: str, *, clock: Clock) -> list[UUID]:
    """Give a new organization its first flows, published and active.

    Raises:
        InvalidError: a starter doesn't pass the verifier: a programming error that a test catches.
    """
    if session.info.get("organization_id") != organization_id:
        raise ValueError("the transaction belongs to another organization")
    made = []
    for key in SEEDED:
        starter = BY_KEY[key]
        flow = catalog.insert(
            session, name=starter.name(locale), document=starter.document(locale), by=None, clock=clock, slug=key
        )
        publishing.make_live(session, flow, flow.draft_document, note="", by=None, clock=clock)
        flow.draft_changes = 0
        made.append(flow.id)
    session.flush()
    return made
