"""Templates that the sandbox's stand-in of Meta has approved, in Meta's form, in three languages.

The shape is that of Graph's `/{business account}/message_templates` (Cloud API, Message Templates).
"""

from __future__ import annotations

from typing import Any, Final

from pytake_app.channels.base import JsonObject


def _template(
    name: str, language: str, category: str, body: str, example: list[str], *, header: str = "", footer: str = "",
    buttons: list[JsonObject] | None = None,
) -> JsonObject:  # fmt: skip
    parts: list[JsonObject] = []
    if header:
        parts.append({"type": "HEADER", "format": "TEXT", "text": header})
    parts.append({"type": "BODY", "text": body, "example": {"body_text": [example]}})
    if footer:
        parts.append({"type": "FOOTER", "text": footer})
    if buttons:
        parts.append({"type": "BUTTONS", "buttons": buttons})
    return {
        "name": name,
        "language": language,
        "category": category,
        "status": "APPROVED",
        "parameter_format": "POSITIONAL",
        "components": parts,
    }


def _replies(*texts: str) -> list[JsonObject]:
    return [{"type": "QUICK_REPLY", "text": text} for text in texts]


def _link(text: str) -> list[JsonObject]:
    example = ["https://example.com/12345"]
    return [{"type": "URL", "text": text, "url": "https://example.com/{{1}}", "example": example}]


_ALL: Final[tuple[JsonObject, ...]] = (
    _template(
        "pytake_saudacao", "pt_BR", "MARKETING",
        "Olá, {{1}}! Temos novidades para você. Quer conversar com a gente?", ["Maria"],
        footer="Responda SAIR para não receber mais", buttons=_replies("Quero saber mais", "Agora não"),
    ),
    _template(
        "pytake_saudacao", "en", "MARKETING",
        "Hello, {{1}}! We have news for you. Would you like to talk to us?", ["Mary"],
        footer="Reply STOP to unsubscribe", buttons=_replies("Tell me more", "Not now"),
    ),
    _template(
        "pytake_saudacao", "es", "MARKETING",
        "¡Hola, {{1}}! Tenemos novedades para ti. ¿Quieres conversar con nosotros?", ["María"],
        footer="Responde SALIR para no recibir más", buttons=_replies("Quiero saber más", "Ahora no"),
    ),
    _template(
        "pytake_lembrete", "pt_BR", "UTILITY",
        "Olá, {{1}}. Seu horário está marcado para {{2}} às {{3}}. Podemos confirmar?", ["Maria", "12/08", "14:30"],
        header="Lembrete", buttons=_replies("Confirmar", "Remarcar"),
    ),
    _template(
        "pytake_lembrete", "en", "UTILITY",
        "Hello, {{1}}. Your appointment is on {{2}} at {{3}}. Can we confirm it?", ["Mary", "12 August", "2:30 pm"],
        header="Reminder", buttons=_replies("Confirm", "Reschedule"),
    ),
    _template(
        "pytake_lembrete", "es", "UTILITY",
        "Hola, {{1}}. Tu cita es el {{2}} a las {{3}}. ¿La confirmamos?", ["María", "12/08", "14:30"],
        header="Recordatorio", buttons=_replies("Confirmar", "Reprogramar"),
    ),
    _template(
        "pytake_pedido_enviado", "pt_BR", "UTILITY",
        "{{1}}, seu pedido {{2}} saiu para entrega. Acompanhe pelo botão abaixo.", ["Maria", "12345"],
        buttons=_link("Acompanhar pedido"),
    ),
    _template(
        "pytake_pedido_enviado", "en", "UTILITY",
        "{{1}}, your order {{2}} is on its way. Follow it with the button below.", ["Mary", "12345"],
        buttons=_link("Track order"),
    ),
    _template(
        "pytake_pedido_enviado", "es", "UTILITY",
        "{{1}}, tu pedido {{2}} va en camino. Síguelo con el botón de abajo.", ["María", "12345"],
        buttons=_link("Seguir pedido"),
    ),
)  # fmt: skip


def sandbox_templates() -> list[dict[str, Any]]:
    """The templates with ids like Meta's, the same at every call."""
    return [{**template, "id": str(97_000_000_000_001 + index)} for index, template in enumerate(_ALL)]
