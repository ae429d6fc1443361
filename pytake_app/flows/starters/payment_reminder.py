"""Payment reminder: a kind word before the due date, the Pix key in a message of its own, the receipt back."""

from __future__ import annotations

from pytake_app.flows.starters.drawing import Adapt, Drawing, Line, Starter, option


def draw(d: Drawing) -> None:
    """Draw the flow."""
    d.expiry_minutes = 1440
    pay = d.say("Pagar com Pix", "Pay by Pix", "Pagar con Pix")
    paid = d.say("Já paguei", "I've paid", "Ya pagué")
    talk = d.say("Preciso negociar", "I need more time", "Necesito negociar")
    d.node(
        "due", "trigger_webhook", 0, 0.3, d.say("Vai vencer", "About to fall due", "Por vencer"),
        phone_path="$.phone", name_path="$.name",
        mapping=[
            {"name": "amount", "path": "$.amount", "default": ""},
            {"name": "due_date", "path": "$.due_date", "default": ""},
            {"name": "reference", "path": "$.reference", "default": ""},
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
        "remind", "msg_buttons", 2, -0.1, d.say("Lembrete", "Reminder", "Recordatorio"),
        body=d.say(
            "Oi{% if contact.first_name != '' %}, {{ contact.first_name }}{% endif %}! Passando para lembrar: a fatura "
            "{{ session.reference }}{% if session.amount and session.amount != blank %}, de *{{ session.amount | money: 'BRL' }}*,{% endif %} vence em {{ session.due_date | date: 'short' }}. "
            "Se já pagou, é só avisar por aqui. 😊",
            "Hi{% if contact.first_name != '' %} {{ contact.first_name }}{% endif %}! A friendly reminder: invoice "
            "{{ session.reference }}{% if session.amount and session.amount != blank %}, *{{ session.amount | money: 'BRL' }}*,{% endif %} is due on {{ session.due_date | date: 'short' }}. "
            "If you've paid already, just tell me here. 😊",
            "¡Hola{% if contact.first_name != '' %}, {{ contact.first_name }}{% endif %}! Te recordamos que la factura "
            "{{ session.reference }}{% if session.amount and session.amount != blank %}, de *{{ session.amount | money: 'BRL' }}*,{% endif %} vence el {{ session.due_date | date: 'short' }}. "
            "Si ya pagaste, avísame por aquí. 😊",
        ),
        buttons=[option("pix", pay), option("paid", paid), option("talk", talk)],
    )  # fmt: skip
    d.node(
        "template", "msg_template", 2, 1.2, d.say("Lembrete por modelo", "Reminder by template", "Recordatorio por plantilla"),
        name=d.say("lembrete_pagamento", "payment_reminder", "recordatorio_pago"), language=d.say("pt_BR", "en", "es"),
        body=[
            "{{ contact.first_name | default: contact.phone }}", "{{ session.reference }}",
            "{% if session.amount and session.amount != blank %}{{ session.amount | money: 'BRL' }}{% endif %}", "{{ session.due_date | date: 'short' }}",
        ],
        buttons=[option("pix", pay), option("paid", paid), option("talk", talk)],
    )  # fmt: skip
    d.node(
        "how", "msg_text", 3, -0.35, d.say("Como pagar", "How to pay", "Cómo pagar"),
        body=d.say(
            "É rapidinho: toque e segure a mensagem abaixo para copiar a chave Pix e cole no app do seu banco. "
            "{% if session.amount and session.amount != blank %}O valor é {{ session.amount | money: 'BRL' }}, em{% else %}Em{% endif %} nome de *Sua Loja Ltda*.",
            "It's quick: press and hold the message below to copy the Pix key and paste it into your bank's app. "
            "{% if session.amount and session.amount != blank %}The amount is {{ session.amount | money: 'BRL' }}, payable{% else %}Payable{% endif %} to *Sua Loja Ltda*.",
            "Es rápido: mantén presionado el mensaje de abajo para copiar la clave Pix y pégala en la app de tu banco. "
            "{% if session.amount and session.amount != blank %}El valor es {{ session.amount | money: 'BRL' }}, a{% else %}A{% endif %} nombre de *Sua Loja Ltda*.",
        ),
    )  # fmt: skip
    d.node("key", "msg_text", 4, -0.35, d.say("Chave Pix", "Pix key", "Clave Pix"), body="financeiro@sualoja.com.br")
    d.node(
        "proof", "question", 5, 0, d.say("Comprovante", "Receipt", "Comprobante"),
        body=d.say(
            "Quando pagar, me manda o comprovante (foto ou PDF) por aqui? Assim já damos baixa. 🧾",
            "Once you've paid, could you send me the receipt (photo or PDF)? We'll settle it right away. 🧾",
            "Cuando pagues, ¿me envías el comprobante (foto o PDF)? Así lo registramos enseguida. 🧾",
        ),
        variable="receipt", kind="file", max_attempts=2,
        retry_message=d.say("Preciso da foto ou do PDF do comprovante.", "I need a photo or PDF of the receipt.", "Necesito la foto o el PDF del comprobante."),
    )  # fmt: skip
    d.node(
        "tell", "notify", 6, 0, d.say("Avisar o financeiro", "Tell accounts", "Avisar a finanzas"),
        audience="everyone", level="info",
        title=d.say("Comprovante da fatura {{ session.reference }}", "Receipt of invoice {{ session.reference }}", "Comprobante de la factura {{ session.reference }}"),
        body="{{ contact.name }} {% if session.amount and session.amount != blank %}{{ session.amount | money: 'BRL' }}{% endif %}",
    )  # fmt: skip
    d.node(
        "thanks", "msg_text", 7, 0, d.say("Agradecer", "Thank", "Agradecer"),
        body=d.say("Recebido, muito obrigado! 💚 Confirmamos a baixa em até 1 dia útil.", "Got it, thank you very much! 💚 We'll confirm within 1 business day.", "¡Recibido, muchas gracias! 💚 Lo confirmamos en hasta 1 día hábil."),
    )  # fmt: skip
    d.node(
        "end", "end", 8, 0, d.say("Comprovante recebido", "Receipt received", "Comprobante recibido"), outcome="receipt"
    )
    d.person(
        6, 1,
        ("Financeiro", "Accounts", "Finanzas"),
        ("Sem problema, a gente conversa. Vou chamar o financeiro. 🤝", "No problem, let's talk. I'm calling accounts. 🤝", "Sin problema, conversemos. Voy a llamar a finanzas. 🤝"),
    )  # fmt: skip
    d.chain("due", "window")
    d.link("window", ("open", "remind"), ("closed", "template"))
    d.link("remind", ("option:pix", "how"), ("option:paid", "proof"), ("option:talk", "person"), ("other", "person"))
    d.link("template", ("option:pix", "how"), ("option:paid", "proof"), ("option:talk", "person"), ("next", "person"))
    d.chain("how", "key", "proof")
    d.link("proof", ("answered", "tell"), ("invalid", "person"))
    d.chain("tell", "thanks", "end")


STARTER = Starter(
    "payment_reminder",
    "banknote",
    "notices",
    ("Lembrete de pagamento com Pix", "Payment reminder with Pix", "Recordatorio de pago con Pix"),
    (
        "Lembra do vencimento com jeito, manda a chave Pix pronta para copiar e recebe o comprovante.",
        "Reminds of the due date kindly, sends the Pix key ready to copy and takes the receipt.",
        "Recuerda el vencimiento con amabilidad, envía la clave Pix lista para copiar y recibe el comprobante.",
    ),
    draw,
    adapt=(
        Adapt("key", ("Ponha a sua chave Pix.", "Put your own Pix key here.", "Pon tu clave Pix.")),
        Adapt("how", ("Troque o nome de quem recebe.", "Change the payee's name.", "Cambia el nombre de quien recibe.")),
        Adapt("template", ("Crie o modelo na Meta com quatro variáveis e três botões, ou escolha um seu.", "Create the template at Meta with four variables and three buttons, or choose one of yours.", "Crea la plantilla en Meta con cuatro variables y tres botones, o elige una tuya.")),
        Adapt("due", ("Chame o endereço secreto do seu sistema de cobrança, com telefone, valor e vencimento.", "Call the secret address from your billing system with phone, amount and due date.", "Llama a la dirección secreta desde tu sistema de cobros con teléfono, valor y vencimiento.")),
    ),
    script=(Line(option="pix"), Line(file="comprovante.pdf")),
    trigger="due",
    variables=(("amount", "189.90"), ("due_date", "2026-11-25"), ("reference", "1182")),
)  # fmt: skip
