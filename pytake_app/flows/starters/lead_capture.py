"""Lead capture: name, e-mail and interest, kept with the contact."""

from __future__ import annotations

from pytake_app.flows.starters.drawing import Adapt, Drawing, Line, Starter, option


def draw(d: Drawing) -> None:
    """Draw the flow."""
    d.node("start", "start", 0, 0, d.say("Vindo de um anúncio", "From an ad", "Desde un anuncio"))
    words = d.words(
        "orçamento, promoção, quero saber mais",
        "quote, offer, tell me more",
        "presupuesto, promoción, quiero saber más",
    )
    title = d.say("Tem interesse", "Is interested", "Tiene interés")
    d.node("asked", "trigger_keyword", 0, 1, title, words=words, match_type="contains", priority=5)
    d.node(
        "name", "question", 1, 0.4, d.say("Nome", "Name", "Nombre"),
        body=d.say("Que bom o seu interesse! Como você se chama?", "Thanks for your interest! What's your name?", "¡Gracias por tu interés! ¿Cómo te llamas?"),
        variable="name", kind="text", minimum=2, maximum=60,
    )  # fmt: skip
    d.node(
        "email", "question", 2, 0.4, d.say("E-mail", "E-mail", "Correo"),
        body=d.say("Prazer, {{ session.name }}! Qual é o seu e-mail?", "Nice to meet you, {{ session.name }}! What's your e-mail?", "¡Mucho gusto, {{ session.name }}! ¿Cuál es tu correo?"),
        variable="email", kind="email",
        retry_message=d.say("Esse e-mail não parece certo. Pode conferir?", "That e-mail doesn't look right. Could you check it?", "Ese correo no parece correcto. ¿Puedes revisarlo?"),
        max_attempts=3,
    )  # fmt: skip
    d.node(
        "interest", "msg_buttons", 3, 0.4, d.say("Interesse", "Interest", "Interés"),
        body=d.say("O que você procura?", "What are you looking for?", "¿Qué buscas?"),
        buttons=[
            option("home", d.say("Para minha casa", "For my home", "Para mi casa")),
            option("business", d.say("Para minha empresa", "For my business", "Para mi empresa")),
        ],
        variable="interest",
    )  # fmt: skip
    d.node(
        "keep", "update_contact", 4, 0.4, d.say("Guardar no contato", "Keep with the contact", "Guardar en el contacto"),
        fields=[
            {"field": "name", "value": "{{ session.name }}"},
            {"field": "email", "value": "{{ session.email | default: contact.email }}"},
            {"field": "interest", "value": "{{ session.interest }}"},
        ],
    )  # fmt: skip
    d.node("tag", "tag_contact", 5, 0.4, d.say("Marcar lead", "Tag as lead", "Marcar lead"), add=["lead"])
    d.node(
        "thanks", "msg_text", 6, 0.4, d.say("Agradecer", "Thank", "Agradecer"),
        body=d.say(
            "Pronto, {{ session.name }}! Em breve enviamos uma proposta para {{ session.email | default: contact.phone }}.",
            "Done, {{ session.name }}! We'll send a proposal to {{ session.email | default: contact.phone }} soon.",
            "¡Listo, {{ session.name }}! Pronto enviamos una propuesta a {{ session.email | default: contact.phone }}.",
        ),
    )  # fmt: skip
    d.node("done", "end", 7, 0.4, d.say("Lead captado", "Lead captured", "Lead captado"), outcome="lead")
    d.chain("start", "name")
    d.chain("asked", "name")
    d.link("name", ("answered", "email"))
    d.link("email", ("answered", "interest"), ("invalid", "interest"))
    d.link("interest", ("option:home", "keep"), ("option:business", "keep"), ("other", "keep"))
    d.chain("keep", "tag", "thanks", "done")


STARTER = Starter(
    "lead_capture",
    "user-plus",
    "sales",
    ("Captar contatos", "Capture leads", "Captar contactos"),
    (
        "Coleta nome, e-mail e interesse e guarda tudo no contato.",
        "Collects name, e-mail and interest and keeps them with the contact.",
        "Recoge nombre, correo e interés y los guarda en el contacto.",
    ),
    draw,
    adapt=(
        Adapt("interest", ("Ponha o que você oferece.", "Put what you offer.", "Pon lo que ofreces.")),
        Adapt("thanks", ("Diga em quanto tempo você responde.", "Say how soon you answer.", "Di en cuánto tiempo respondes.")),
    ),
    script=(
        Line(("Quero um orçamento", "I'd like a quote", "Quiero un presupuesto")),
        Line(("Ana", "Ana", "Ana")),
        Line(("ana@exemplo.com.br", "ana@example.com", "ana@ejemplo.com")),
        Line(option="business"),
    ),
)  # fmt: skip
