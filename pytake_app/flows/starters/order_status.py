"""Order status: asks the shop's own system over HTTP and tells the customer where the parcel is."""

from __future__ import annotations

from pytake_app.flows.starters.drawing import Adapt, Drawing, Line, Starter, option


def draw(d: Drawing) -> None:
    """Draw the flow."""
    d.begin(
        (
            "cadê meu pedido, status do pedido, meu pedido, rastrear, rastreio",
            "where is my order, order status, my order, track, tracking",
            "dónde está mi pedido, estado del pedido, mi pedido, rastrear, seguimiento",
        ),
        ("Perguntou do pedido", "Asked about an order", "Preguntó por un pedido"),
        priority=6,
    )
    d.node(
        "number", "question", 1, 0.3, d.say("Número do pedido", "Order number", "Número de pedido"),
        body=d.say(
            "Claro! Me passa o número do pedido? 📦\nEle está no e-mail de confirmação, algo como 10482.",
            "Sure! What's your order number? 📦\nIt's in the confirmation e-mail, something like 10482.",
            "¡Claro! ¿Me pasas el número de pedido? 📦\nEstá en el correo de confirmación, algo como 10482.",
        ),
        variable="order_number", kind="text", minimum=3, maximum=30,
        retry_message=d.say(
            "Esse número não parece certo. Pode conferir no e-mail de confirmação?",
            "That number doesn't look right. Could you check the confirmation e-mail?",
            "Ese número no parece correcto. ¿Puedes revisarlo en el correo de confirmación?",
        ),
    )  # fmt: skip
    d.node(
        "lookup", "api_call", 2, 0.3, d.say("Consultar a loja", "Ask the shop", "Consultar la tienda"),
        method="GET",
        url=d.say(
            "https://api.sualoja.com.br/pedidos/{{ session.order_number | url_encode }}",
            "https://api.yourshop.com/orders/{{ session.order_number | url_encode }}",
            "https://api.tutienda.com/pedidos/{{ session.order_number | url_encode }}",
        ),
        mapping=[
            {"name": "order_status", "path": "$.status", "default": ""},
            {"name": "delivery_date", "path": "$.delivery_date", "default": ""},
            {"name": "tracking_url", "path": "$.tracking_url", "default": ""},
        ],
        timeout_seconds=10,
    )  # fmt: skip
    d.node(
        "status", "switch", 3, 0.3, d.say("Em que pé está", "Where it stands", "En qué va"),
        value="{{ session.order_status }}",
        cases=[
            {"id": "paid", "value": "paid", "label": d.say("Em separação", "Being packed", "En preparación")},
            {"id": "shipped", "value": "shipped", "label": d.say("A caminho", "On its way", "En camino")},
            {"id": "delivered", "value": "delivered", "label": d.say("Entregue", "Delivered", "Entregado")},
        ],
    )  # fmt: skip
    d.node(
        "paid", "msg_text", 4, -0.35, d.say("Em separação", "Being packed", "En preparación"),
        body=d.say(
            "Seu pedido {{ session.order_number }} está sendo separado com carinho. 🧡 Avisamos assim que sair.",
            "Your order {{ session.order_number }} is being packed with care. 🧡 We'll tell you when it leaves.",
            "Tu pedido {{ session.order_number }} se está preparando con cariño. 🧡 Te avisamos cuando salga.",
        ),
    )  # fmt: skip
    d.node(
        "shipped", "msg_text", 4, 0.1, d.say("A caminho", "On its way", "En camino"),
        body=d.say(
            "Boa notícia: o pedido {{ session.order_number }} está a caminho! 🚚"
            "{% if session.delivery_date != '' %} Chega até {{ session.delivery_date | date: 'short' }}.{% endif %}"
            "{% if session.tracking_url != '' %}\nAcompanhe: {{ session.tracking_url }}{% endif %}",
            "Good news: order {{ session.order_number }} is on its way! 🚚"
            "{% if session.delivery_date != '' %} It arrives by {{ session.delivery_date | date: 'short' }}.{% endif %}"
            "{% if session.tracking_url != '' %}\nTrack it: {{ session.tracking_url }}{% endif %}",
            "Buenas noticias: ¡el pedido {{ session.order_number }} está en camino! 🚚"
            "{% if session.delivery_date != '' %} Llega hasta el {{ session.delivery_date | date: 'short' }}.{% endif %}"
            "{% if session.tracking_url != '' %}\nSíguelo: {{ session.tracking_url }}{% endif %}",
        ),
    )  # fmt: skip
    d.node(
        "delivered", "msg_text", 4, 0.9, d.say("Entregue", "Delivered", "Entregado"),
        body=d.say(
            "O pedido {{ session.order_number }} consta como entregue. 🎉 Se não chegou às suas mãos, fale com a gente.",
            "Order {{ session.order_number }} shows as delivered. 🎉 If you don't have it, talk to us.",
            "El pedido {{ session.order_number }} figura como entregado. 🎉 Si no lo tienes, háblanos.",
        ),
    )  # fmt: skip
    d.node(
        "not_found", "msg_text", 4, 1.5, d.say("Não encontrado", "Not found", "No encontrado"),
        body=d.say(
            "Não consegui localizar o pedido {{ session.order_number }} agora. Vou pedir para alguém olhar com você.",
            "I couldn't find order {{ session.order_number }} just now. Someone will look into it with you.",
            "No pude encontrar el pedido {{ session.order_number }} ahora. Alguien lo revisará contigo.",
        ),
    )  # fmt: skip
    d.node(
        "more", "msg_buttons", 5, 0.15, d.say("Mais alguma coisa?", "Anything else?", "¿Algo más?"),
        body=d.say("Posso ajudar em mais alguma coisa?", "Can I help with anything else?", "¿Puedo ayudarte en algo más?"),
        buttons=[
            option("done", d.say("Não, obrigado", "No, thank you", "No, gracias")),
            option("again", d.say("Ver outro pedido", "Another order", "Otro pedido")),
            option("person", d.say("Falar com alguém", "Talk to someone", "Hablar con alguien")),
        ],
    )  # fmt: skip
    d.node(
        "thanks", "msg_text", 6, 0, d.say("Despedida", "Goodbye", "Despedida"),
        body=d.say("Combinado! Qualquer coisa, é só chamar. 💚", "Great! We're here whenever you need us. 💚", "¡Listo! Cualquier cosa, aquí estamos. 💚"),
    )  # fmt: skip
    d.node("end", "end", 7, 0, d.say("Informado", "Told", "Informado"), outcome="order_status")
    d.person(6, 1, ("Pedidos", "Orders", "Pedidos"))
    d.chain("start", "number")
    d.chain("asked", "number")
    d.link("number", ("answered", "lookup"), ("invalid", "person"))
    d.link("lookup", ("success", "status"), ("error", "not_found"))
    d.link(
        "status",
        ("case:paid", "paid"),
        ("case:shipped", "shipped"),
        ("case:delivered", "delivered"),
        ("default", "not_found"),
    )
    d.chain("paid", "more")
    d.chain("shipped", "more")
    d.chain("delivered", "more")
    d.chain("not_found", "person")
    d.link(
        "more", ("option:done", "thanks"), ("option:again", "number"), ("option:person", "person"), ("other", "person")
    )
    d.chain("thanks", "end")


STARTER = Starter(
    "order_status",
    "truck",
    "service",
    ("Onde está meu pedido", "Where is my order", "Dónde está mi pedido"),
    (
        "Pede o número, consulta o sistema da loja por HTTP e conta em que pé está a entrega.",
        "Asks for the number, asks the shop's system over HTTP and tells where the parcel is.",
        "Pide el número, consulta el sistema de la tienda por HTTP y cuenta en qué va la entrega.",
    ),
    draw,
    adapt=(
        Adapt(
            "lookup",
            (
                "Ponha o endereço da API da sua loja (e o token como segredo, se ela pedir).",
                "Put your shop's API address here (and its token as a secret, if it asks for one).",
                "Pon la dirección de la API de tu tienda (y el token como secreto, si lo pide).",
            ),
        ),
        Adapt(
            "status",
            (
                "Troque os valores dos casos pelos estados que o seu sistema usa.",
                "Replace the cases' values with the statuses your system uses.",
                "Cambia los valores de los casos por los estados que usa tu sistema.",
            ),
        ),
        Adapt("person", ("Escolha a fila que cuida dos pedidos.", "Choose the queue that handles orders.", "Elige la fila que atiende los pedidos.")),
    ),
    script=(
        Line(("Cadê meu pedido?", "Where is my order?", "¿Dónde está mi pedido?")),
        Line(("10482", "10482", "10482")),
        Line(option="done"),
    ),
    answers=(("lookup", '{"status": "shipped", "delivery_date": "2026-11-25", "tracking_url": "https://sualoja.com.br/r/10482"}'),),
)  # fmt: skip
