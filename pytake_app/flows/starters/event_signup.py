"""Event sign-up: what, when and where, how many come, name and e-mail, all confirmed."""

from __future__ import annotations

from pytake_app.flows.starters.drawing import Adapt, Drawing, Line, Starter, option


def draw(d: Drawing) -> None:
    """Draw the flow."""
    d.begin(
        (
            "inscrição, inscrever, evento, workshop, oficina, participar",
            "sign up, event, workshop, join",
            "inscripción, inscribirme, evento, taller, participar",
        ),
        ("Quer participar", "Wants to join", "Quiere participar"),
    )
    d.node(
        "invite", "msg_buttons", 1, 0.2, d.say("Convite", "Invitation", "Invitación"),
        body=d.say(
            "☕ *Oficina de café coado*\nSábado, 12 de dezembro, às 15h, na nossa loja. Dura 2 horas, tem degustação e é grátis!\n\nVamos?",
            "☕ *Filter coffee workshop*\nSaturday, December 12, 3 pm, at our shop. It takes 2 hours, with tasting, and it's free!\n\nWill you join?",
            "☕ *Taller de café filtrado*\nSábado 12 de diciembre, a las 15 h, en nuestra tienda. Dura 2 horas, hay degustación ¡y es gratis!\n\n¿Te sumas?",
        ),
        buttons=[
            option("join", d.say("Quero participar", "I'll join", "Quiero participar")),
            option("where", d.say("Onde fica?", "Where is it?", "¿Dónde es?")),
            option("no", d.say("Desta vez não", "Not this time", "Esta vez no")),
        ],
    )  # fmt: skip
    d.node(
        "where", "msg_location", 2, 0.75, d.say("Local", "Place", "Lugar"),
        latitude="-23.5505", longitude="-46.6333",
        name=d.say("Nossa loja", "Our shop", "Nuestra tienda"), address=d.say("Rua das Flores, 100, Centro", "100 Flower Street, Downtown", "Calle de las Flores 100, Centro"),
    )  # fmt: skip
    d.node(
        "seats", "msg_buttons", 2, 0, d.say("Quantas pessoas", "How many", "Cuántas personas"),
        body=d.say("Oba! Quantos lugares eu reservo?", "Lovely! How many seats shall I keep?", "¡Genial! ¿Cuántos lugares reservo?"),
        buttons=[
            option("1", d.say("Só eu", "Just me", "Solo yo")),
            option("2", d.say("Eu e mais 1", "Me and 1 more", "Yo y 1 más")),
            option("3", d.say("Eu e mais 2", "Me and 2 more", "Yo y 2 más")),
        ],
        variable="seats",
        retry_message=d.say("Toque em um dos botões, por favor.", "Please tap one of the buttons.", "Toca uno de los botones, por favor."),
    )  # fmt: skip
    d.node(
        "name", "question", 3, 0, d.say("Nome", "Name", "Nombre"),
        body=d.say("Em nome de quem fica a reserva?", "Under what name shall I book?", "¿A nombre de quién va la reserva?"),
        variable="name", kind="text", minimum=2, maximum=80,
        retry_message=d.say("Me diz um nome, por favor.", "Please tell me a name.", "Dime un nombre, por favor."),
    )  # fmt: skip
    d.node(
        "email", "question", 4, 0, d.say("E-mail", "E-mail", "Correo"),
        body=d.say("E o e-mail, para mandar a confirmação?", "And your e-mail, for the confirmation?", "¿Y tu correo, para enviar la confirmación?"),
        variable="email", kind="email", max_attempts=2,
        retry_message=d.say("Esse e-mail não parece certo. Pode conferir?", "That e-mail doesn't look right. Could you check it?", "Ese correo no parece correcto. ¿Puedes revisarlo?"),
    )  # fmt: skip
    d.node(
        "keep", "update_contact", 5, 0, d.say("Guardar no contato", "Keep with the contact", "Guardar en el contacto"),
        fields=[
            {"field": "name", "value": "{{ session.name }}"},
            {"field": "email", "value": "{{ session.email | default: contact.email }}"},
            {"field": "event_seats", "value": "{{ session.seats }}"},
        ],
    )  # fmt: skip
    d.node(
        "tag",
        "tag_contact",
        6,
        0,
        d.say("Marcar inscrito", "Tag as signed up", "Marcar inscrito"),
        add=[d.say("oficina-café", "coffee-workshop", "taller-café")],
    )
    d.node(
        "confirm", "msg_text", 7, 0, d.say("Confirmação", "Confirmation", "Confirmación"),
        body=d.say(
            "Prontinho, {{ session.name }}! 🎉 Reserva feita ({{ session.seats | downcase }}) para sábado, 12/12, às 15h. Se não puder vir, é só avisar aqui. Até lá!",
            "All set, {{ session.name }}! 🎉 Booked ({{ session.seats | downcase }}) for Saturday, December 12, 3 pm. If you can't make it, just tell us here. See you!",
            "¡Listo, {{ session.name }}! 🎉 Reserva hecha ({{ session.seats | downcase }}) para el sábado 12/12 a las 15 h. Si no puedes venir, avísanos. ¡Nos vemos!",
        ),
    )  # fmt: skip
    d.node("end", "end", 8, 0, d.say("Inscrito", "Signed up", "Inscrito"), outcome="signed_up")
    d.node(
        "next_time", "msg_text", 2, 1.35, d.say("Fica para a próxima", "Next time", "La próxima"),
        body=d.say("Tudo bem! Avisamos da próxima. 💛", "That's fine! We'll tell you about the next one. 💛", "¡Está bien! Te avisamos de la próxima. 💛"),
    )  # fmt: skip
    d.node("declined", "end", 3, 1.35, d.say("Recusou", "Declined", "Rechazó"), outcome="declined")
    d.person(4, 0.75, ("Atendimento", "Service", "Atención"))
    d.chain("start", "invite")
    d.chain("asked", "invite")
    d.link("invite", ("option:join", "seats"), ("option:where", "where"), ("option:no", "next_time"))
    d.chain("where", "invite")
    d.link("seats", *((f"option:{count}", "name") for count in "123"))
    d.link("name", ("answered", "email"), ("invalid", "person"))
    d.link("email", ("answered", "keep"), ("invalid", "keep"))
    d.chain("keep", "tag", "confirm", "end")
    d.chain("next_time", "declined")


STARTER = Starter(
    "event_signup",
    "ticket",
    "sales",
    ("Inscrição em evento", "Event sign-up", "Inscripción a un evento"),
    (
        "Convida, mostra o local no mapa, reserva os lugares e marca quem vem com uma etiqueta.",
        "Invites, shows the place on the map, books the seats and tags whoever comes.",
        "Invita, muestra el lugar en el mapa, reserva los lugares y etiqueta a quien viene.",
    ),
    draw,
    adapt=(
        Adapt("invite", ("Conte do seu evento: nome, dia e hora.", "Tell of your event: name, day and time.", "Cuenta de tu evento: nombre, día y hora.")),
        Adapt("where", ("Ponha as coordenadas e o endereço do local.", "Put the place's coordinates and address.", "Pon las coordenadas y la dirección del lugar.")),
        Adapt("confirm", ("Confira dia e hora na confirmação.", "Check day and time in the confirmation.", "Revisa día y hora en la confirmación.")),
        Adapt("tag", ("Dê à etiqueta o nome do seu evento.", "Name the tag after your event.", "Ponle a la etiqueta el nombre de tu evento.")),
    ),
    script=(
        Line(("Quero participar da oficina", "I'd like to join the workshop", "Quiero participar del taller")),
        Line(option="join"),
        Line(option="2"),
        Line(("Ana", "Ana", "Ana")),
        Line(("ana@exemplo.com.br", "ana@example.com", "ana@ejemplo.com")),
    ),
)  # fmt: skip
