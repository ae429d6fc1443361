"""CSAT survey: after a conversation closes, one tap for a mark, thanks or a second chance."""

from __future__ import annotations

from pytake_app.flows.starters.drawing import Adapt, Drawing, Line, Starter, option


def draw(d: Drawing) -> None:
    """Draw the flow."""
    d.expiry_minutes = 720
    d.node(
        "closed", "trigger_event", 0, 0.6, d.say("Atendimento encerrado", "Conversation closed", "Atención cerrada"),
        event="conversation_closed",
    )  # fmt: skip
    d.node("start", "start", 0, 0, d.say("Vindo de outro fluxo", "From another flow", "Desde otro flujo"))
    d.node(
        "window",
        "logic_window_check",
        1,
        0.3,
        d.say("Ainda dá para escrever?", "May we still write?", "¿Aún podemos escribir?"),
    )
    d.node(
        "rate", "msg_list", 2, 0.1, d.say("Nota", "Mark", "Nota"),
        body=d.say(
            "{% if contact.first_name != '' %}{{ contact.first_name }}, como{% else %}Como{% endif %} foi o nosso atendimento? "
            "Sua resposta leva 5 segundos e ajuda muito. 🙏",
            "{% if contact.first_name != '' %}{{ contact.first_name }}, how{% else %}How{% endif %} did we do today? "
            "It takes 5 seconds and helps us a lot. 🙏",
            "{% if contact.first_name != '' %}{{ contact.first_name }}, ¿cómo{% else %}¿Cómo{% endif %} fue nuestra atención? "
            "Te toma 5 segundos y nos ayuda mucho. 🙏",
        ),
        button=d.say("Dar uma nota", "Rate us", "Calificar"),
        sections=[
            {
                "title": "",
                "rows": [
                    option("5", d.say("⭐⭐⭐⭐⭐ Excelente", "⭐⭐⭐⭐⭐ Excellent", "⭐⭐⭐⭐⭐ Excelente")),
                    option("4", d.say("⭐⭐⭐⭐ Bom", "⭐⭐⭐⭐ Good", "⭐⭐⭐⭐ Bueno")),
                    option("3", d.say("⭐⭐⭐ Regular", "⭐⭐⭐ So-so", "⭐⭐⭐ Regular")),
                    option("2", d.say("⭐⭐ Ruim", "⭐⭐ Bad", "⭐⭐ Malo")),
                    option("1", d.say("⭐ Péssimo", "⭐ Awful", "⭐ Pésimo")),
                ],
            }
        ],
        variable="rating",
    )  # fmt: skip
    d.node(
        "keep_high", "update_contact", 3, -0.2, d.say("Guardar a nota boa", "Keep the good mark", "Guardar la nota buena"),
        fields=[{"field": "csat", "value": "{{ selected_option }}"}],
    )  # fmt: skip
    d.node(
        "keep_low", "update_contact", 3, 0.5, d.say("Guardar a nota baixa", "Keep the low mark", "Guardar la nota baja"),
        fields=[{"field": "csat", "value": "{{ selected_option }}"}],
    )  # fmt: skip
    d.node(
        "thanks", "msg_cta_url", 4, -0.2, d.say("Agradecer", "Thank", "Agradecer"),
        body=d.say(
            "Que alegria! 💚 Se puder, conte para mais gente: uma avaliação no Google faz diferença para uma loja como a nossa.",
            "You made our day! 💚 If you can, tell others too: a Google review means a lot to a shop like ours.",
            "¡Qué alegría! 💚 Si puedes, cuéntaselo a más gente: una reseña en Google ayuda mucho a una tienda como la nuestra.",
        ),
        display_text=d.say("Avaliar no Google", "Review on Google", "Reseñar en Google"),
        url="https://g.page/r/sua-loja/review",
    )  # fmt: skip
    d.node(
        "why", "question", 4, 0.5, d.say("O que faltou?", "What was missing?", "¿Qué faltó?"),
        body=d.say(
            "Sentimos muito que não tenha sido como você esperava. O que podemos melhorar?",
            "We're sorry it wasn't what you expected. What can we do better?",
            "Lamentamos que no haya sido lo que esperabas. ¿Qué podemos mejorar?",
        ),
        variable="reason", kind="text", minimum=2, maximum=1000,
    )  # fmt: skip
    d.node(
        "tag",
        "tag_contact",
        5,
        0.5,
        d.say("Marcar insatisfeito", "Tag as unhappy", "Marcar insatisfecho"),
        add=[d.say("insatisfeito", "unhappy", "insatisfecho")],
    )
    d.node(
        "tell", "notify", 6, 0.5, d.say("Avisar a equipe", "Tell the team", "Avisar al equipo"),
        audience="everyone", level="warning",
        title=d.say("{{ contact.name }} deu nota {{ contact.csat }}", "{{ contact.name }} gave a {{ contact.csat }}", "{{ contact.name }} dio un {{ contact.csat }}"),
        body="{{ session.reason | default: '' }}",
    )  # fmt: skip
    d.node(
        "sorry", "msg_text", 7, 0.5, d.say("Prometer retorno", "Promise to act", "Prometer respuesta"),
        body=d.say(
            "Obrigado por contar. Já passei para a responsável, que vai falar com você. 🤝",
            "Thank you for telling us. I've passed it to the person in charge, who will be in touch. 🤝",
            "Gracias por contarnos. Ya se lo pasé a la persona responsable, que te va a escribir. 🤝",
        ),
    )  # fmt: skip
    d.node("good", "end", 5, -0.2, d.say("Satisfeito", "Happy", "Satisfecho"), outcome="csat_good")
    d.node("bad", "end", 8, 0.5, d.say("Insatisfeito", "Unhappy", "Insatisfecho"), outcome="csat_bad")
    d.node("skipped", "end", 2, 1.3, d.say("Sem pesquisa", "No survey", "Sin encuesta"), outcome="csat_skipped")
    d.chain("closed", "window")
    d.chain("start", "window")
    d.link("window", ("open", "rate"), ("closed", "skipped"))
    d.link("rate", *((f"option:{mark}", "keep_high") for mark in "54"))
    d.link("rate", *((f"option:{mark}", "keep_low") for mark in "321"))
    d.chain("keep_high", "thanks", "good")
    d.chain("keep_low", "why")
    d.link("why", ("answered", "tag"), ("invalid", "tag"))
    d.chain("tag", "tell", "sorry", "bad")


STARTER = Starter(
    "csat",
    "star",
    "service",
    ("Pesquisa de satisfação", "Satisfaction survey", "Encuesta de satisfacción"),
    (
        "Quando um atendimento termina, pede uma nota de 1 a 5: quem gostou avalia no Google, quem não gostou é ouvido.",
        "When a conversation closes, asks for a mark from 1 to 5: happy people review you, unhappy ones are heard.",
        "Cuando termina una atención, pide una nota de 1 a 5: quien quedó contento te reseña, quien no, es escuchado.",
    ),
    draw,
    adapt=(
        Adapt("thanks", ("Ponha o link de avaliação da sua loja.", "Put your own review link here.", "Pon el enlace de reseñas de tu tienda.")),
        Adapt("tell", ("Escolha quem deve saber das notas baixas.", "Choose who should know of low marks.", "Elige quién debe saber de las notas bajas.")),
    ),
    script=(
        Line(option="2"),
        Line(("Demoraram para responder", "It took too long to answer", "Tardaron en responder")),
    ),
    trigger="closed",
)  # fmt: skip
