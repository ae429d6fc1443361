"""Appointments: service, day and hour, confirmed and handed to the team."""

from __future__ import annotations

from pytake_app.flows.starters.drawing import Adapt, Drawing, Line, Starter, option


def draw(d: Drawing) -> None:
    """Draw the flow."""
    d.node("start", "start", 0, 0, d.say("Vindo de outro fluxo", "From another flow", "Desde otro flujo"))
    words = d.words(
        "agendar, marcar, horário, consulta", "book, appointment, schedule", "agendar, reservar, cita, turno"
    )
    title = d.say("Quer agendar", "Wants to book", "Quiere agendar")
    d.node("asked", "trigger_keyword", 0, 1, title, words=words, match_type="contains", priority=5)
    d.node(
        "service", "msg_buttons", 1, 0.4, d.say("Serviço", "Service", "Servicio"),
        body=d.say("Vamos agendar! Para qual serviço?", "Let's book it! Which service?", "¡Agendemos! ¿Para qué servicio?"),
        buttons=[
            option("first", d.say("Primeira visita", "First visit", "Primera visita")),
            option("return", d.say("Retorno", "Follow-up", "Control")),
            option("other", d.say("Outro assunto", "Something else", "Otro asunto")),
        ],
        variable="service",
    )  # fmt: skip
    d.node(
        "day", "question", 2, 0.4, d.say("Dia", "Day", "Día"),
        body=d.say("Qual dia fica bom? Ex.: 25/11 ou amanhã.", "Which day suits you? E.g. tomorrow.", "¿Qué día te queda bien? Ej.: 25/11 o mañana."),
        variable="day", kind="date",
        retry_message=d.say("Não entendi o dia. Envie assim: 25/11.", "I didn't get the day. Try: tomorrow.", "No entendí el día. Envíalo así: 25/11."),
    )  # fmt: skip
    d.node(
        "hour", "question", 3, 0.4, d.say("Horário", "Time", "Hora"),
        body=d.say("E o horário? Atendemos das 9h às 18h.", "And the time? We are open from 9 to 18.", "¿Y la hora? Atendemos de 9 a 18 h."),
        variable="hour", kind="time",
        retry_message=d.say("Envie o horário assim: 14:30.", "Send the time like this: 14:30.", "Envía la hora así: 14:30."),
    )  # fmt: skip
    d.node(
        "confirm", "msg_buttons", 4, 0.4, d.say("Confirmar", "Confirm", "Confirmar"),
        body=d.say(
            "{{ session.service }}, {{ session.day | date: '%d/%m' }} às {{ session.hour }}. Posso confirmar?",
            "{{ session.service }}, {{ session.day | date: '%d/%m' }} at {{ session.hour }}. Shall I confirm?",
            "{{ session.service }}, {{ session.day | date: '%d/%m' }} a las {{ session.hour }}. ¿Confirmo?",
        ),
        buttons=[
            option("yes", d.say("Confirmar", "Confirm", "Confirmar")),
            option("change", d.say("Mudar o dia", "Change the day", "Cambiar el día")),
        ],
    )  # fmt: skip
    d.node(
        "booked", "msg_text", 5, 0, d.say("Recebido", "Received", "Recibido"),
        body=d.say(
            "Pedido de horário recebido! A equipe confirma por aqui.",
            "Your request is in! The team will confirm it here.",
            "¡Solicitud recibida! El equipo la confirma por aquí.",
        ),
    )  # fmt: skip
    d.node(
        "person", "action_transfer_to_queue", 6, 0.4, d.say("Passar para a equipe", "Hand over to the team", "Pasar al equipo"),
        queue_name=d.say("Agenda", "Bookings", "Agenda"), priority=0, fallback_action="abandon", message="",
    )  # fmt: skip
    d.chain("start", "service")
    d.chain("asked", "service")
    d.link("service", ("option:first", "day"), ("option:return", "day"), ("option:other", "person"))
    d.link("day", ("answered", "hour"), ("invalid", "person"))
    d.link("hour", ("answered", "confirm"), ("invalid", "person"))
    d.link("confirm", ("option:yes", "booked"), ("option:change", "day"), ("other", "person"))
    d.chain("booked", "person")


STARTER = Starter(
    "appointment",
    "calendar-check",
    "sales",
    ("Agendar horário", "Book an appointment", "Agendar una cita"),
    (
        "Pergunta serviço, dia e horário, confirma e avisa a equipe.",
        "Asks for service, day and time, confirms and tells the team.",
        "Pregunta servicio, día y hora, confirma y avisa al equipo.",
    ),
    draw,
    adapt=(
        Adapt("service", ("Ponha os seus serviços.", "Put your services.", "Pon tus servicios.")),
        Adapt("hour", ("Ponha o seu horário de atendimento.", "Put your opening hours.", "Pon tu horario de atención.")),
        Adapt("person", ("Escolha quem confirma os horários.", "Choose who confirms bookings.", "Elige quién confirma las citas.")),
    ),
    script=(
        Line(("Quero agendar", "I'd like to book", "Quiero agendar")),
        Line(option="first"),
        Line(("amanhã", "tomorrow", "mañana")),
        Line(("14:30", "14:30", "14:30")),
        Line(option="yes"),
    ),
)  # fmt: skip
