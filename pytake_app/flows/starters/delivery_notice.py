"""Delivery notice: the shop's system calls, the customer hears that the parcel leaves and may still change the address."""

from __future__ import annotations

from pytake_app.flows.starters.drawing import Adapt, Drawing, Line, Starter, option


def draw(d: Drawing) -> None:
    """Draw the flow."""
    d.expiry_minutes = 1440
    fine = d.say("Tudo certo 👍", "All good 👍", "Todo bien 👍")
    address = d.say("Mudar endereço", "Change address", "Cambiar dirección")
    person = d.say("Falar com a loja", "Talk to the shop", "Hablar con la tienda")
    d.node(
        "shipped", "trigger_webhook", 0, 0.3, d.say("Saiu para entrega", "Out for delivery", "Salió a reparto"),
        phone_path="$.phone", name_path="$.name",
        mapping=[
            {"name": "order_number", "path": "$.order_number", "default": ""},
            {"name": "delivery_date", "path": "$.delivery_date", "default": ""},
            {"name": "tracking_code", "path": "$.tracking_code", "default": ""},
        ],
    )  # fmt: skip
    d.node(
        "window",
        "logic_window_check",
        1,
        0.3,
        d.say("Conversa aberta?", "Conversation open?", "¿Conversación abierta?"),
    )
    d.node(
        "notice", "msg_buttons", 2, -0.1, d.say("Aviso", "Notice", "Aviso"),
        body=d.say(
            "Oi{% if contact.first_name != '' %}, {{ contact.first_name }}{% endif %}! Seu pedido {{ session.order_number }} "
            "saiu para entrega e chega em {{ session.delivery_date | date: 'short' }}. 🚚\nCódigo de rastreio: *{{ session.tracking_code }}*",
            "Hi{% if contact.first_name != '' %} {{ contact.first_name }}{% endif %}! Your order {{ session.order_number }} "
            "is out for delivery and arrives on {{ session.delivery_date | date: 'short' }}. 🚚\nTracking code: *{{ session.tracking_code }}*",
            "¡Hola{% if contact.first_name != '' %}, {{ contact.first_name }}{% endif %}! Tu pedido {{ session.order_number }} "
            "salió a reparto y llega el {{ session.delivery_date | date: 'short' }}. 🚚\nCódigo de seguimiento: *{{ session.tracking_code }}*",
        ),
        buttons=[option("fine", fine), option("address", address), option("person", person)],
    )  # fmt: skip
    d.node(
        "template", "msg_template", 2, 1.1, d.say("Aviso por modelo", "Notice by template", "Aviso por plantilla"),
        name=d.say("pedido_a_caminho", "order_on_its_way", "pedido_en_camino"), language=d.say("pt_BR", "en", "es"),
        body=["{{ contact.first_name | default: contact.phone }}", "{{ session.order_number }}", "{{ session.delivery_date | date: 'short' }}"],
        buttons=[option("fine", fine), option("address", address), option("person", person)],
    )  # fmt: skip
    d.node(
        "thanks", "msg_text", 3, -0.3, d.say("Combinado", "Agreed", "De acuerdo"),
        body=d.say("Perfeito! Boa entrega e obrigado por comprar com a gente. 🧡", "Perfect! Enjoy your order, and thank you for shopping with us. 🧡", "¡Perfecto! Que lo disfrutes y gracias por comprar con nosotros. 🧡"),
    )  # fmt: skip
    d.node(
        "new_address", "question", 3, 0.3, d.say("Novo endereço", "New address", "Nueva dirección"),
        body=d.say(
            "Sem problema! Me manda o endereço completo: rua, número, bairro e CEP.",
            "No problem! Send me the full address: street, number, district and postal code.",
            "¡Sin problema! Envíame la dirección completa: calle, número, barrio y código postal.",
        ),
        variable="address", kind="text", minimum=10, maximum=300,
        retry_message=d.say("Preciso do endereço completo, com rua, número e CEP.", "I need the full address, with street, number and postal code.", "Necesito la dirección completa, con calle, número y código postal."),
    )  # fmt: skip
    d.node(
        "tell", "notify", 4, 0.3, d.say("Avisar a expedição", "Tell dispatch", "Avisar a despacho"),
        audience="everyone", level="urgent",
        title=d.say("Pedido {{ session.order_number }}: mudar endereço", "Order {{ session.order_number }}: new address", "Pedido {{ session.order_number }}: nueva dirección"),
        body="{{ contact.name }}\n{{ session.address }}",
    )  # fmt: skip
    d.node(
        "noted", "msg_text", 5, 0.3, d.say("Anotado", "Noted", "Anotado"),
        body=d.say("Anotado! Já avisei a expedição e confirmo por aqui se ainda der tempo de mudar. ✅", "Noted! I've told dispatch and will confirm here whether there is still time. ✅", "¡Anotado! Ya avisé a despacho y te confirmo por aquí si aún hay tiempo. ✅"),
    )  # fmt: skip
    d.person(4, 1.1, ("Entregas", "Deliveries", "Entregas"))
    d.node("end", "end", 4, -0.3, d.say("Confirmado", "Confirmed", "Confirmado"), outcome="delivery_confirmed")
    d.node(
        "changed",
        "end",
        6,
        0.3,
        d.say("Endereço mudado", "Address changed", "Dirección cambiada"),
        outcome="address_changed",
    )
    d.chain("shipped", "window")
    d.link("window", ("open", "notice"), ("closed", "template"))
    d.link(
        "notice",
        ("option:fine", "thanks"),
        ("option:address", "new_address"),
        ("option:person", "person"),
        ("other", "person"),
    )
    d.link(
        "template",
        ("option:fine", "thanks"),
        ("option:address", "new_address"),
        ("option:person", "person"),
        ("next", "person"),
    )
    d.chain("thanks", "end")
    d.link("new_address", ("answered", "tell"), ("invalid", "person"))
    d.chain("tell", "noted", "changed")


STARTER = Starter(
    "delivery_notice",
    "package-check",
    "notices",
    ("Aviso de entrega", "Delivery notice", "Aviso de entrega"),
    (
        "Seu sistema chama um endereço secreto e o cliente recebe o aviso, com botões para confirmar ou mudar o endereço.",
        "Your system calls a secret address and the customer gets the notice, with buttons to confirm or change the address.",
        "Tu sistema llama a una dirección secreta y el cliente recibe el aviso, con botones para confirmar o cambiar la dirección.",
    ),
    draw,
    adapt=(
        Adapt("shipped", ("Copie o endereço secreto e chame-o do seu sistema com telefone, pedido e data.", "Copy the secret address and call it from your system with phone, order and date.", "Copia la dirección secreta y llámala desde tu sistema con teléfono, pedido y fecha.")),
        Adapt("template", ("Crie o modelo na Meta com três variáveis e três botões, ou escolha um seu.", "Create the template at Meta with three variables and three buttons, or choose one of yours.", "Crea la plantilla en Meta con tres variables y tres botones, o elige una tuya.")),
        Adapt("tell", ("Escolha quem muda o endereço na expedição.", "Choose who changes the address at dispatch.", "Elige quién cambia la dirección en despacho.")),
    ),
    script=(
        Line(option="address"),
        Line(("Rua das Acácias, 42, Jardim Sul, 05600-000", "42 Acacia Avenue, South Garden, 05600", "Calle de las Acacias 42, Jardín Sur, 05600")),
    ),
    trigger="shipped",
    variables=(("order_number", "10482"), ("delivery_date", "2026-11-25"), ("tracking_code", "BR123456789")),
)  # fmt: skip
