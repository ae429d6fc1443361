"""FAQ: a menu of the questions that always come, short answers, a person one tap away."""

from __future__ import annotations

from pytake_app.flows.starters.drawing import Adapt, Drawing, Line, Starter, option


def draw(d: Drawing) -> None:
    """Draw the flow."""
    d.begin(
        (
            "dúvida, dúvidas, pergunta, perguntas frequentes, informação",
            "question, questions, faq, information",
            "duda, dudas, pregunta, preguntas frecuentes, información",
        ),
        ("Tem uma dúvida", "Has a question", "Tiene una duda"),
    )
    d.node(
        "topics", "msg_list", 1, 0.1, d.say("Assuntos", "Topics", "Temas"),
        body=d.say("Sobre o que é a sua dúvida? 💬", "What's your question about? 💬", "¿Sobre qué es tu duda? 💬"),
        button=d.say("Ver assuntos", "See topics", "Ver temas"),
        sections=[
            {
                "title": d.say("A loja", "The shop", "La tienda"),
                "rows": [
                    option("hours", d.say("Horários", "Opening hours", "Horarios"), d.say("Quando estamos abertos", "When we are open", "Cuándo abrimos")),
                    option("address", d.say("Onde fica", "Where we are", "Dónde estamos"), d.say("Endereço e estacionamento", "Address and parking", "Dirección y estacionamiento")),
                ],
            },
            {
                "title": d.say("Compras", "Shopping", "Compras"),
                "rows": [
                    option("payment", d.say("Formas de pagamento", "Ways to pay", "Formas de pago"), d.say("Pix, cartão e parcelas", "Pix, cards and instalments", "Pix, tarjeta y cuotas")),
                    option("delivery", d.say("Entrega", "Delivery", "Entregas"), d.say("Prazos e valores", "Times and prices", "Plazos y valores")),
                    option("exchange", d.say("Trocas e devoluções", "Exchanges and returns", "Cambios y devoluciones"), d.say("Como funciona", "How it works", "Cómo funciona")),
                ],
            },
        ],
        variable="topic",
    )  # fmt: skip
    d.node(
        "hours", "msg_text", 2, -0.6, d.say("Horários", "Opening hours", "Horarios"),
        body=d.say(
            "Abrimos de segunda a sexta, das 9h às 18h, e aos sábados das 9h às 13h. Domingo a gente descansa. 😴",
            "We're open Monday to Friday from 9 to 6 and Saturday from 9 to 1. On Sunday we rest. 😴",
            "Abrimos de lunes a viernes de 9 a 18 h y los sábados de 9 a 13 h. El domingo descansamos. 😴",
        ),
    )  # fmt: skip
    d.node(
        "address", "msg_text", 2, -0.1, d.say("Onde fica", "Where we are", "Dónde estamos"),
        body=d.say(
            "Estamos na Rua das Flores, 100, no Centro, pertinho da praça. Tem estacionamento ao lado. 📍",
            "We're at 100 Flower Street, downtown, right by the square. There is parking next door. 📍",
            "Estamos en la Calle de las Flores 100, Centro, cerca de la plaza. Hay estacionamiento al lado. 📍",
        ),
    )  # fmt: skip
    d.node(
        "payment", "msg_text", 2, 0.4, d.say("Pagamento", "Payment", "Pago"),
        body=d.say(
            "Aceitamos Pix (com 5% de desconto), débito e crédito em até 6x sem juros. 💳",
            "We take Pix (5% off), debit and credit cards in up to 6 instalments without interest. 💳",
            "Aceptamos Pix (5 % de descuento), débito y crédito en hasta 6 cuotas sin interés. 💳",
        ),
    )  # fmt: skip
    d.node(
        "delivery", "msg_text", 2, 0.9, d.say("Entrega", "Delivery", "Entrega"),
        body=d.say(
            "Na cidade entregamos em até 2 dias úteis por R$ 9,90, grátis acima de R$ 150. Para fora, o frete sai na hora da compra. 🚚",
            "In town we deliver within 2 business days for R$ 9.90, free above R$ 150. Elsewhere, shipping is worked out at checkout. 🚚",
            "En la ciudad entregamos en hasta 2 días hábiles por R$ 9,90, gratis desde R$ 150. Fuera, el envío se calcula al comprar. 🚚",
        ),
    )  # fmt: skip
    d.node(
        "exchange", "msg_text", 2, 1.45, d.say("Trocas", "Exchanges", "Cambios"),
        body=d.say(
            "Você tem 7 dias depois de receber para desistir e 30 dias para trocar, com a etiqueta e a nota. É só chamar aqui. 🔄",
            "You have 7 days after delivery to change your mind and 30 days to exchange, with label and invoice. Just write here. 🔄",
            "Tienes 7 días después de recibir para devolver y 30 días para cambiar, con etiqueta y factura. Solo escríbenos. 🔄",
        ),
    )  # fmt: skip
    d.node(
        "helped", "msg_buttons", 3, 0.3, d.say("Ajudou?", "Did it help?", "¿Ayudó?"),
        body=d.say("Era isso que você queria saber?", "Is that what you wanted to know?", "¿Era lo que querías saber?"),
        buttons=[
            option("yes", d.say("Sim, obrigado!", "Yes, thank you!", "¡Sí, gracias!")),
            option("more", d.say("Tenho outra dúvida", "Another question", "Tengo otra duda")),
            option("person", d.say("Falar com alguém", "Talk to someone", "Hablar con alguien")),
        ],
    )  # fmt: skip
    d.node(
        "bye", "msg_text", 4, 0, d.say("Despedida", "Goodbye", "Despedida"),
        body=d.say("Que bom! Precisando, é só chamar. 💚", "Great! Write whenever you need us. 💚", "¡Qué bueno! Escríbenos cuando quieras. 💚"),
    )  # fmt: skip
    d.node("end", "end", 5, 0, d.say("Respondido", "Answered", "Respondido"), outcome="answered")
    d.person(4, 0.8, ("Atendimento", "Service", "Atención"))
    d.chain("start", "topics")
    d.chain("asked", "topics")
    topics = ("hours", "address", "payment", "delivery", "exchange")
    d.link("topics", *((f"option:{topic}", topic) for topic in topics), ("other", "person"))
    for topic in topics:
        d.chain(topic, "helped")
    d.link("helped", ("option:yes", "bye"), ("option:more", "topics"), ("option:person", "person"), ("other", "person"))
    d.chain("bye", "end")


STARTER = Starter(
    "faq",
    "circle-help",
    "service",
    ("Perguntas frequentes", "Frequent questions", "Preguntas frecuentes"),
    (
        "Responde às perguntas de sempre (horário, endereço, pagamento, entrega, troca) e chama uma pessoa quando precisa.",
        "Answers the usual questions (hours, address, payment, delivery, exchanges) and calls a person when needed.",
        "Responde las preguntas de siempre (horario, dirección, pago, entrega, cambios) y llama a una persona si hace falta.",
    ),
    draw,
    adapt=(
        Adapt("hours", ("Ponha os seus horários.", "Put your opening hours.", "Pon tus horarios.")),
        Adapt("address", ("Ponha o seu endereço.", "Put your address.", "Pon tu dirección.")),
        Adapt("payment", ("Confira as formas de pagamento.", "Check the ways to pay.", "Revisa las formas de pago.")),
        Adapt("delivery", ("Ponha seus prazos e valores de entrega.", "Put your delivery times and prices.", "Pon tus plazos y valores de entrega.")),
        Adapt("exchange", ("Ponha a sua política de trocas.", "Put your exchange policy.", "Pon tu política de cambios.")),
    ),
    script=(
        Line(("Tenho uma dúvida", "I have a question", "Tengo una duda")),
        Line(option="delivery"),
        Line(option="yes"),
    ),
)  # fmt: skip
