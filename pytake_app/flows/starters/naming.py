"""Names of variables, contact fields and outcomes in a starter's language.

Starters are drawn with English names; whoever reads the flow, its figures and its contacts meets names of their own
language. They stay identifiers: letters without accents, and underscores.
"""

from __future__ import annotations

import re
from typing import Final

from pydantic import JsonValue

from pytake_app.engine.document import FlowDocument

Table = dict[str, dict[str, str]]

VARIABLES: Final[Table] = {
    "pt_BR": {
        "address": "endereco", "amount": "valor", "basket": "carrinho", "day": "dia", "delivery_date": "data_entrega",
        "due_date": "vencimento", "experience": "experiencia", "hour": "horario", "how": "como_receber",
        "interest": "interesse", "issue": "problema", "job": "vaga", "name": "nome", "order_number": "numero_pedido",
        "order_status": "situacao_pedido", "payment": "pagamento", "photo": "foto", "price": "preco",
        "quantity": "quantidade", "rating": "nota", "reason": "motivo", "receipt": "comprovante",
        "reference": "referencia", "resume": "curriculo", "seats": "lugares", "service": "servico",
        "subject": "assunto", "topic": "assunto", "tracking_code": "codigo_rastreio", "tracking_url": "link_rastreio",
    },
    "es": {
        "address": "direccion", "amount": "monto", "basket": "carrito", "day": "dia", "delivery_date": "fecha_entrega",
        "due_date": "vencimiento", "experience": "experiencia", "hour": "hora", "how": "como_recibir",
        "interest": "interes", "issue": "problema", "item": "producto", "job": "vacante", "name": "nombre",
        "order_number": "numero_pedido", "order_status": "estado_pedido", "payment": "pago", "photo": "foto",
        "price": "precio", "quantity": "cantidad", "rating": "nota", "reason": "motivo", "receipt": "comprobante",
        "reference": "referencia", "resume": "curriculum", "seats": "lugares", "service": "servicio",
        "subject": "asunto", "topic": "tema", "tracking_code": "codigo_rastreo", "tracking_url": "enlace_rastreo",
    },
}  # fmt: skip
CONTACT_FIELDS: Final[Table] = {
    "pt_BR": {
        "csat": "nota_atendimento", "event_seats": "lugares_evento", "experience": "experiencia",
        "interest": "interesse", "job": "vaga",
    },
    "es": {
        "csat": "nota_atencion", "event_seats": "lugares_evento", "experience": "experiencia", "interest": "interes",
        "job": "vacante",
    },
}  # fmt: skip
OUTCOMES: Final[Table] = {
    "pt_BR": {
        "address_changed": "endereco_corrigido", "answered": "respondido", "application": "candidatura",
        "csat_bad": "insatisfeito", "csat_good": "satisfeito", "csat_skipped": "sem_pesquisa", "declined": "nao_vem",
        "delivery_confirmed": "entrega_confirmada", "no_order": "sem_pedido", "order_status": "situacao_informada",
        "receipt": "comprovante", "signed_up": "inscrito", "solved": "resolvido",
    },
    "es": {
        "address_changed": "direccion_corregida", "answered": "respondido", "application": "postulacion",
        "csat_bad": "insatisfecho", "csat_good": "satisfecho", "csat_skipped": "sin_encuesta", "declined": "no_viene",
        "delivery_confirmed": "entrega_confirmada", "no_order": "sin_pedido", "order_status": "estado_informado",
        "receipt": "comprobante", "signed_up": "inscrito", "solved": "resuelto",
    },
}  # fmt: skip

_NAMED_BY_NAME: Final = {"set_variable", "api_call", "trigger_webhook"}
"""Blocks in whose rows `name` is a variable's."""
_USED: Final = re.compile(r"\b(session|contact)\.([a-z_]+)\b")


def variable(name: str, locale: str) -> str:
    """A starter's variable in a language."""
    return VARIABLES.get(locale, {}).get(name, name)


def renamed(document: FlowDocument, locale: str) -> FlowDocument:
    """A starter drawn with English names, with those of `locale` (one of `drawing.LOCALES`)."""
    if locale not in VARIABLES:
        return document
    nodes = [
        node.model_copy(
            update={"config": {key: _named(value, key, node.type, locale) for key, value in node.config.items()}}
        )
        for node in document.nodes
    ]
    return document.model_copy(update={"nodes": nodes})


def _named(value: JsonValue, key: str, node_type: str, locale: str) -> JsonValue:
    if isinstance(value, dict):
        return {inner: _named(item, inner, node_type, locale) for inner, item in value.items()}
    if isinstance(value, list):
        return [_named(item, key, node_type, locale) for item in value]
    if not isinstance(value, str):
        return value
    if key in ("variable", "output") or (key == "name" and node_type in _NAMED_BY_NAME):
        return variable(value, locale)
    if key == "field" and node_type == "update_contact":
        return CONTACT_FIELDS[locale].get(value, value)
    if key == "outcome" and node_type == "end":
        return OUTCOMES[locale].get(value, value)
    tables = {"session": VARIABLES[locale], "contact": CONTACT_FIELDS[locale]}
    return _USED.sub(lambda used: f"{used[1]}.{tables[used[1]].get(used[2], used[2])}", value)
