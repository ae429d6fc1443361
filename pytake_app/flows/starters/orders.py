"""Orders and exchanges: asks for the order, tells the rules, collects what the team needs."""

from __future__ import annotations

from pytake_app.flows.starters.drawing import Adapt, Drawing, Line, Starter, option


def draw(d: Drawing) -> None:
    """Draw the flow."""
    d.node("start", "start", 0, 0, d.say("Vindo de outro fluxo", "From another flow", "Desde otro flujo"))
    words = d.words(
        "pedido, rastreio, troca, devolução", "order, tracking, exchange, return", "pedido, rastreo, cambio, devolución"
    )
    title = d.say("Falou do pedido", "Mentioned an order", "Habló del pedido")
    d.node("asked", "trigger_keyword", 0, 1, title, words=words, match_type="contains", priority=5)
    d.node(
        "menu", "msg_list", 1, 0.4, d.say("Sobre o pedido", "About the order", "Sobre el pedido"),
        body=d.say("O que você precisa?", "What do you need?", "¿Qué necesitas?"),
        button=d.say("Ver opções", "See options", "Ver opciones"),
        sections=[
            {
                "title": d.say("Meu pedido", "My order", "Mi pedido"),
                "rows": [
                    option("track", d.say("Rastrear", "Track", "Rastrear"), d.say("Onde está a entrega", "Where the parcel is", "Dónde está la entrega")),
                    option("invoice", d.say("Nota fiscal", "Invoice", "Factura"), d.say("Receber a segunda via", "Get a copy", "Recibir una copia")),
                ],
            },
            {
                "title": d.say("Trocas", "Exchanges", "Cambios"),
                "rows": [
                    option("exchange", d.say("Trocar um produto", "Exchange a product", "Cambiar un producto"), d.say("Até 7 dias depois de receber", "Within 7 days of delivery", "Hasta 7 días después de recibir")),
                    option("person", d.say("Falar com alguém", "Talk to someone", "Hablar con alguien")),
                ],
            },
        ],
        variable="subject",
    )  # fmt: skip
    d.node(
        "number", "question", 2, 0, d.say("Número do pedido", "Order number", "Número de pedido"),
        body=d.say(
            "Qual é o número do pedido? Ele tem de 4 a 10 dígitos e está no e-mail da compra.",
            "What is the order number? It has 4 to 10 digits and is in the purchase e-mail.",
            "¿Cuál es el número de pedido? Tiene de 4 a 10 dígitos y está en el correo de la compra.",
        ),
        variable="order_number", kind="regex", pattern=r"^[0-9]{4,10}$",
        retry_message=d.say(
            "Esse número não parece certo. Envie só os dígitos, por favor.",
            "That number doesn't look right. Please send only the digits.",
            "Ese número no parece correcto. Envía solo los dígitos, por favor.",
        ),
        max_attempts=3,
    )  # fmt: skip
    d.node(
        "noted", "msg_text", 3, 0, d.say("Anotado", "Noted", "Anotado"),
        body=d.say(
            "Anotei: pedido {{ session.order_number }}, {{ session.subject }}. A equipe confere e responde por aqui.",
            "Noted: order {{ session.order_number }}, {{ session.subject }}. The team will check and answer here.",
            "Anotado: pedido {{ session.order_number }}, {{ session.subject }}. El equipo lo revisa y responde por aquí.",
        ),
    )  # fmt: skip
    d.node(
        "photo", "question", 2, 1, d.say("Foto do produto", "Photo of the product", "Foto del producto"),
        body=d.say(
            "Envie uma foto do produto, com a etiqueta aparecendo.",
            "Send a photo of the product with its label showing.",
            "Envía una foto del producto con la etiqueta visible.",
        ),
        variable="photo", kind="file",
        retry_message=d.say("Preciso de uma foto ou arquivo.", "I need a photo or a file.", "Necesito una foto o un archivo."),
        max_attempts=3,
    )  # fmt: skip
    d.node(
        "tag",
        "tag_contact",
        3,
        1,
        d.say("Marcar troca", "Tag as exchange", "Marcar cambio"),
        add=[d.say("troca", "exchange", "cambio")],
    )
    d.node(
        "person", "action_transfer_to_queue", 4, 0.6, d.say("Passar para a equipe", "Hand over to the team", "Pasar al equipo"),
        queue_name=d.say("Pedidos", "Orders", "Pedidos"), priority=0, fallback_action="abandon",
        message=d.say("Um momento, já vamos te atender.", "One moment, someone will be with you.", "Un momento, ya te atendemos."),
    )  # fmt: skip
    d.chain("start", "menu")
    d.chain("asked", "menu")
    d.link(
        "menu",
        ("option:track", "number"),
        ("option:invoice", "number"),
        ("option:exchange", "photo"),
        ("option:person", "person"),
    )
    d.link("number", ("answered", "noted"), ("invalid", "person"))
    d.chain("noted", "person")
    d.link("photo", ("answered", "tag"), ("invalid", "person"))
    d.chain("tag", "person")


STARTER = Starter(
    "orders",
    "package",
    "service",
    ("Pedidos e trocas", "Orders and exchanges", "Pedidos y cambios"),
    (
        "Pede o número do pedido ou a foto do produto e entrega tudo pronto para a equipe.",
        "Asks for the order number or a photo of the product and hands it all to the team.",
        "Pide el número de pedido o la foto del producto y lo entrega todo listo al equipo.",
    ),
    draw,
    adapt=(
        Adapt("menu", ("Confira as opções e os prazos de troca.", "Check the options and exchange periods.", "Revisa las opciones y los plazos de cambio.")),
        Adapt("person", ("Escolha a fila dos pedidos.", "Choose the queue for orders.", "Elige la fila de pedidos.")),
    ),
    script=(
        Line(("Quero fazer uma troca", "I'd like an exchange", "Quiero hacer un cambio")),
        Line(option="exchange"),
        Line(file="produto.jpg"),
    ),
)  # fmt: skip
