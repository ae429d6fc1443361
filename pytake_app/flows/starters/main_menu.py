"""Welcome and menu: answers everybody, says what can be done, hands over to people."""

from __future__ import annotations

from pytake_app.flows.starters.drawing import Adapt, Drawing, Line, Starter, option


def draw(d: Drawing) -> None:
    """Draw the flow."""
    d.node("anyone", "trigger_universal", 0, 0, d.say("Qualquer mensagem", "Any message", "Cualquier mensaje"))
    words = d.words("menu, início, oi, olá, bom dia", "menu, start over, hi, hello", "menú, inicio, hola, buenas")
    title = d.say("Pediu o menu", "Asked for the menu", "Pidió el menú")
    d.node("asked", "trigger_keyword", 0, 1, title, words=words, match_type="exact", priority=10)
    d.node(
        "hello", "msg_text", 1, 0.4, d.say("Boas-vindas", "Welcome", "Bienvenida"),
        body=d.say(
            "Olá{% if contact.first_name != '' %}, {{ contact.first_name }}{% endif %}! 👋 Que bom ter você aqui.",
            "Hi{% if contact.first_name != '' %} {{ contact.first_name }}{% endif %}! 👋 Good to have you here.",
            "¡Hola{% if contact.first_name != '' %}, {{ contact.first_name }}{% endif %}! 👋 Qué gusto tenerte aquí.",
        ),
    )  # fmt: skip
    d.node(
        "menu", "msg_buttons", 2, 0.4, d.say("Menu principal", "Main menu", "Menú principal"),
        body=d.say("Como posso ajudar?", "How can I help?", "¿En qué puedo ayudarte?"),
        buttons=[
            option("hours", d.say("Horário e endereço", "Hours and address", "Horario y dirección")),
            option("products", d.say("Produtos e preços", "Products and prices", "Productos y precios")),
            option("person", d.say("Falar com alguém", "Talk to someone", "Hablar con alguien")),
        ],
        retry_message=d.say(
            "Não entendi. Toque em um dos botões, por favor.",
            "I didn't get that. Please tap one of the buttons.",
            "No entendí. Toca uno de los botones, por favor.",
        ),
        max_attempts=3,
    )  # fmt: skip
    d.node(
        "hours", "msg_text", 3, 0, d.say("Horário e endereço", "Hours and address", "Horario y dirección"),
        body=d.say(
            "Atendemos de segunda a sexta, das 9h às 18h, e sábado até as 13h.\n📍 Rua das Flores, 100, Centro.",
            "We are open Monday to Friday from 9 to 6, Saturday until 1 pm.\n📍 100 Flower Street, Downtown.",
            "Atendemos de lunes a viernes de 9 a 18 h y los sábados hasta las 13 h.\n📍 Calle de las Flores 100, Centro.",
        ),
    )  # fmt: skip
    d.node(
        "products", "msg_text", 3, 1, d.say("Produtos e preços", "Products and prices", "Productos y precios"),
        body=d.say(
            "Veja o que temos de mais pedido:\n• Cesta de café da manhã, R$ 129\n• Buquê do dia, R$ 89\n• Caixa presente, R$ 59",
            "Our favourites:\n• Breakfast basket, $29\n• Bouquet of the day, $19\n• Gift box, $12",
            "Lo más pedido:\n• Cesta de desayuno, $29\n• Ramo del día, $19\n• Caja de regalo, $12",
        ),
    )  # fmt: skip
    d.node(
        "more", "msg_buttons", 4, 0.4, d.say("Mais alguma coisa?", "Anything else?", "¿Algo más?"),
        body=d.say("Posso ajudar em mais alguma coisa?", "Can I help with anything else?", "¿Te ayudo con algo más?"),
        buttons=[
            option("yes", d.say("Voltar ao menu", "Back to the menu", "Volver al menú")),
            option("no", d.say("Só isso, obrigado", "That's all, thanks", "Eso es todo")),
        ],
    )  # fmt: skip
    d.node(
        "bye", "msg_text", 5, 0, d.say("Despedida", "Goodbye", "Despedida"),
        body=d.say(
            "Eu que agradeço! Quando precisar, é só mandar *menu*. 💚",
            "Thank you! Whenever you need us, just send *menu*. 💚",
            "¡Gracias a ti! Cuando lo necesites, escribe *menú*. 💚",
        ),
    )  # fmt: skip
    d.node("done", "end", 6, 0, d.say("Resolvido", "Solved", "Resuelto"), outcome="solved")
    d.node(
        "person", "action_transfer_to_queue", 5, 1, d.say("Passar para a equipe", "Hand over to the team", "Pasar al equipo"),
        queue_name=d.say("Atendimento", "Support", "Atención"), priority=0, fallback_action="abandon",
        message=d.say(
            "Certo! Já chamei nossa equipe. Alguém responde por aqui em instantes.",
            "Sure! I've called our team. Someone will answer here shortly.",
            "¡Listo! Ya avisé a nuestro equipo. Alguien te responde aquí enseguida.",
        ),
    )  # fmt: skip
    d.chain("anyone", "hello", "menu")
    d.link("asked", ("next", "menu"))
    d.link("menu", ("option:hours", "hours"), ("option:products", "products"), ("option:person", "person"))
    d.chain("hours", "more")
    d.chain("products", "more")
    d.link("more", ("option:yes", "menu"), ("option:no", "bye"))
    d.chain("bye", "done")


STARTER = Starter(
    "main_menu",
    "hand",
    "service",
    ("Boas-vindas e menu", "Welcome and menu", "Bienvenida y menú"),
    (
        "Cumprimenta quem chega, mostra um menu com botões e passa para a equipe quando pedem.",
        "Greets whoever writes, shows a menu with buttons and hands over to the team when asked.",
        "Saluda a quien escribe, muestra un menú con botones y pasa al equipo cuando lo piden.",
    ),
    draw,
    adapt=(
        Adapt("hello", ("Dê as boas-vindas do seu jeito.", "Welcome people your own way.", "Da la bienvenida a tu manera.")),
        Adapt("hours", ("Ponha os seus horários e o seu endereço.", "Put your opening hours and address.", "Pon tus horarios y tu dirección.")),
        Adapt("products", ("Conte o que você vende, com link se tiver.", "Tell what you sell, with a link if you have one.", "Cuenta qué vendes, con enlace si tienes.")),
        Adapt("person", ("Escolha a fila que atende.", "Choose the queue that answers.", "Elige la fila que atiende.")),
    ),
    script=(Line(("Oi!", "Hi!", "¡Hola!")), Line(option="hours")),
)  # fmt: skip
