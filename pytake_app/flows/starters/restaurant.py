"""Restaurant menu: order by WhatsApp with a running total, delivery or pick-up, payment, straight to the kitchen."""

from __future__ import annotations

from pytake_app.flows.starters.drawing import Adapt, Drawing, Line, Starter, option

_PRICE = (
    "{% case selected_option %}{% when 'margherita' %}49.90{% when 'pepperoni' %}56.90{% when 'veggie' %}52.90"
    "{% when 'burger' %}34.90{% when 'fries' %}22.90{% when 'soda' %}7.90{% when 'juice' %}11.90{% endcase %}"
)


def draw(d: Drawing) -> None:
    """Draw the flow."""
    d.begin(
        (
            "cardápio, fazer um pedido, quero pedir, delivery, pizza",
            "menu, place an order, order food, delivery, pizza",
            "carta, hacer un pedido, quiero pedir, delivery, pizza",
        ),
        ("Está com fome", "Is hungry", "Tiene hambre"),
    )
    d.node(
        "open", "business_hours", 1, 0.3, d.say("Cozinha aberta?", "Kitchen open?", "¿Cocina abierta?"),
        periods=[{"days": [1, 2, 3, 4, 5, 6], "opens": "11:00", "closes": "23:00"}], holidays=["12-25", "01-01"],
    )  # fmt: skip
    d.node(
        "closed", "msg_text", 2, 1.2, d.say("Fechado", "Closed", "Cerrado"),
        body=d.say(
            "A cozinha está descansando. 😴 Atendemos de terça a domingo, das 11h às 23h. Esperamos você!",
            "The kitchen is resting. 😴 We're open Tuesday to Sunday, 11 am to 11 pm. See you then!",
            "La cocina está descansando. 😴 Atendemos de martes a domingo, de 11 a 23 h. ¡Te esperamos!",
        ),
    )  # fmt: skip
    d.node(
        "empty", "set_variable", 2, 0.3, d.say("Sacola vazia", "Empty basket", "Bolsa vacía"),
        assignments=[
            {"target": "session", "name": "basket", "value": ""},
            {"target": "session", "name": "total", "value": "0"},
        ],
    )  # fmt: skip
    d.node(
        "menu", "msg_list", 3, 0, d.say("Cardápio", "Menu", "Carta"),
        body=d.say("O que vai ser hoje? 🍕", "What would you like today? 🍕", "¿Qué te gustaría hoy? 🍕"),
        button=d.say("Ver cardápio", "See menu", "Ver carta"),
        sections=[
            {
                "title": d.say("Pizzas", "Pizzas", "Pizzas"),
                "rows": [
                    option("margherita", "Margherita", d.say("R$ 49,90 · molho da casa e manjericão", "R$ 49.90 · our sauce and basil", "R$ 49,90 · salsa de la casa y albahaca")),
                    option("pepperoni", "Pepperoni", d.say("R$ 56,90 · bem recheada", "R$ 56.90 · fully loaded", "R$ 56,90 · bien cargada")),
                    option("veggie", d.say("Legumes", "Garden", "Vegetales"), d.say("R$ 52,90 · abobrinha e berinjela", "R$ 52.90 · courgette and aubergine", "R$ 52,90 · calabacín y berenjena")),
                ],
            },
            {
                "title": d.say("Lanches", "Snacks", "Bocados"),
                "rows": [
                    option("burger", d.say("Hambúrguer", "Burger", "Hamburguesa"), d.say("R$ 34,90 · 180 g, queijo e salada", "R$ 34.90 · 180 g, cheese and salad", "R$ 34,90 · 180 g, queso y ensalada")),
                    option("fries", d.say("Batata frita", "Fries", "Papas fritas"), d.say("R$ 22,90 · porção para dois", "R$ 22.90 · for two", "R$ 22,90 · para dos")),
                ],
            },
            {
                "title": d.say("Bebidas", "Drinks", "Bebidas"),
                "rows": [
                    option("soda", d.say("Refrigerante", "Soft drink", "Refresco"), d.say("R$ 7,90 · lata", "R$ 7.90 · can", "R$ 7,90 · lata")),
                    option("juice", d.say("Suco natural", "Fresh juice", "Jugo natural"), d.say("R$ 11,90 · laranja", "R$ 11.90 · orange", "R$ 11,90 · naranja")),
                ],
            },
        ],
        variable="item",
        retry_message=d.say("Escolha um item da lista, por favor.", "Please choose something from the list.", "Elige algo de la lista, por favor."),
    )  # fmt: skip
    d.node(
        "quantity", "question", 4, 0.3, d.say("Quantos", "How many", "Cuántos"),
        body=d.say("Boa escolha! Quantas unidades de {{ session.item }}?", "Good choice! How many of {{ session.item }}?", "¡Buena elección! ¿Cuántas unidades de {{ session.item }}?"),
        variable="quantity", kind="integer", minimum=1, maximum=20,
        retry_message=d.say("Me manda só o número, de 1 a 20.", "Just the number, please, from 1 to 20.", "Solo el número, por favor, del 1 al 20."),
    )  # fmt: skip
    d.node(
        "add", "set_variable", 5, 0.3, d.say("Pôr na sacola", "Into the basket", "A la bolsa"),
        assignments=[
            {"target": "session", "name": "price", "value": _PRICE},
            {"target": "session", "name": "total", "value": "{{ session.price | times: session.quantity | plus: session.total }}"},
            {"target": "session", "name": "basket", "value": "{{ session.basket }}• {{ session.quantity }} × {{ session.item }}\n"},
        ],
    )  # fmt: skip
    d.node(
        "more", "msg_buttons", 6, 0.2, d.say("Mais alguma coisa?", "Anything else?", "¿Algo más?"),
        body=d.say(
            "Sua sacola:\n{{ session.basket }}\n*Total: {{ session.total | money: 'BRL' }}*",
            "Your basket:\n{{ session.basket }}\n*Total: {{ session.total | money: 'BRL' }}*",
            "Tu bolsa:\n{{ session.basket }}\n*Total: {{ session.total | money: 'BRL' }}*",
        ),
        buttons=[
            option("order", d.say("Fechar o pedido", "Check out", "Cerrar el pedido")),
            option("add", d.say("Pedir mais", "Add more", "Pedir más")),
            option("cancel", d.say("Cancelar", "Cancel", "Cancelar")),
        ],
    )  # fmt: skip
    d.node(
        "cancelled", "msg_text", 7, 1.2, d.say("Cancelado", "Cancelled", "Cancelado"),
        body=d.say("Sem problema, cancelei. Bateu a fome, é só chamar! 😉", "No problem, it's cancelled. Hungry again? Just write! 😉", "Sin problema, cancelado. ¿Hambre otra vez? ¡Escríbenos! 😉"),
    )  # fmt: skip
    d.node(
        "how", "msg_buttons", 7, 0.1, d.say("Como recebe", "How you get it", "Cómo lo recibes"),
        body=d.say("Entregamos ou você busca?", "Shall we deliver, or will you pick it up?", "¿Te lo llevamos o lo recoges?"),
        buttons=[
            option("delivery", d.say("Entregar", "Deliver", "Entregar")),
            option("pickup", d.say("Eu busco", "I'll pick it up", "Yo lo recojo")),
        ],
        variable="how",
    )  # fmt: skip
    d.node(
        "address", "question", 8, 0, d.say("Endereço", "Address", "Dirección"),
        body=d.say("Qual é o endereço? Rua, número e um ponto de referência. 🛵", "What's the address? Street, number and a landmark. 🛵", "¿Cuál es la dirección? Calle, número y una referencia. 🛵"),
        variable="address", kind="text", minimum=8, maximum=200,
        retry_message=d.say("Preciso da rua e do número para achar você.", "I need street and number to find you.", "Necesito calle y número para encontrarte."),
    )  # fmt: skip
    d.node(
        "payment", "msg_buttons", 9, 0.2, d.say("Pagamento", "Payment", "Pago"),
        body=d.say("E o pagamento?", "How would you like to pay?", "¿Y el pago?"),
        buttons=[
            option("pix", "Pix"),
            option("card", d.say("Cartão", "Card", "Tarjeta")),
            option("cash", d.say("Dinheiro", "Cash", "Efectivo")),
        ],
        variable="payment",
    )  # fmt: skip
    d.node(
        "kitchen", "notify", 10, 0.2, d.say("Avisar a cozinha", "Tell the kitchen", "Avisar a la cocina"),
        audience="everyone", level="urgent",
        title=d.say("Novo pedido: {{ session.total | money: 'BRL' }}", "New order: {{ session.total | money: 'BRL' }}", "Nuevo pedido: {{ session.total | money: 'BRL' }}"),
        body="{{ contact.name }}\n{{ session.basket }}{{ session.how }} · {{ session.payment }}\n{{ session.address | default: '' }}",
    )  # fmt: skip
    d.node(
        "thanks", "msg_text", 11, 0.2, d.say("Pedido feito", "Ordered", "Pedido hecho"),
        body=d.say(
            "Pedido recebido! 🎉 *{{ session.total | money: 'BRL' }}* · {{ session.payment }}. Fica pronto em 30 a 45 minutos, e avisamos por aqui.",
            "Order received! 🎉 *{{ session.total | money: 'BRL' }}* · {{ session.payment }}. It's ready in 30 to 45 minutes and we'll tell you here.",
            "¡Pedido recibido! 🎉 *{{ session.total | money: 'BRL' }}* · {{ session.payment }}. Estará listo en 30 a 45 minutos y te avisamos por aquí.",
        ),
    )  # fmt: skip
    d.person(
        12,
        0.2,
        ("Cozinha", "Kitchen", "Cocina"),
        (
            "Qualquer ajuste, é só escrever. A cozinha está vendo. 👩‍🍳",
            "Any changes, just write. The kitchen is watching. 👩‍🍳",
            "Cualquier ajuste, solo escribe. La cocina está viendo. 👩‍🍳",
        ),
        1,
    )
    d.node("end", "end", 8, 1.2, d.say("Sem pedido", "No order", "Sin pedido"), outcome="no_order")
    d.chain("start", "open")
    d.chain("asked", "open")
    d.link("open", ("open", "empty"), ("closed", "closed"))
    d.chain("closed", "end")
    d.chain("empty", "menu")
    dishes = ("margherita", "pepperoni", "veggie", "burger", "fries", "soda", "juice")
    d.link("menu", *((f"option:{dish}", "quantity") for dish in dishes))
    d.link("quantity", ("answered", "add"), ("invalid", "person"))
    d.chain("add", "more")
    d.link("more", ("option:order", "how"), ("option:add", "menu"), ("option:cancel", "cancelled"))
    d.link("how", ("option:delivery", "address"), ("option:pickup", "payment"))
    d.link("address", ("answered", "payment"), ("invalid", "person"))
    d.link("payment", *((f"option:{kind}", "kitchen") for kind in ("pix", "card", "cash")))
    d.chain("kitchen", "thanks", "person")
    d.chain("cancelled", "end")


STARTER = Starter(
    "restaurant",
    "utensils",
    "sales",
    ("Cardápio e pedido", "Restaurant menu", "Carta y pedidos"),
    (
        "Mostra o cardápio, soma o total, pergunta entrega e pagamento e manda o pedido para a cozinha.",
        "Shows the menu, adds up the total, asks for delivery and payment and sends the order to the kitchen.",
        "Muestra la carta, suma el total, pregunta entrega y pago y envía el pedido a la cocina.",
    ),
    draw,
    adapt=(
        Adapt("menu", ("Ponha os seus pratos e preços.", "Put your dishes and prices.", "Pon tus platos y precios.")),
        Adapt("add", ("Ponha os mesmos preços aqui, prato por prato: é com eles que o total é somado.", "Put the same prices here, dish by dish: the total is made of them.", "Pon los mismos precios aquí, plato por plato: con ellos se suma el total.")),
        Adapt("open", ("Confira dias e horários da cozinha.", "Check the kitchen's days and hours.", "Revisa días y horarios de la cocina.")),
        Adapt("kitchen", ("Escolha quem recebe os pedidos.", "Choose who gets the orders.", "Elige quién recibe los pedidos.")),
    ),
    script=(
        Line(("Quero pedir uma pizza", "I'd like to order a pizza", "Quiero pedir una pizza")),
        Line(option="margherita"),
        Line(("2", "2", "2")),
        Line(option="order"),
        Line(option="pickup"),
        Line(option="pix"),
    ),
)  # fmt: skip
