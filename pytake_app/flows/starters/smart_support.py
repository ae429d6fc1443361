"""Smart support: understands a sentence, answers what it can, hands the rest to people."""

from __future__ import annotations

from pytake_app.flows.starters.drawing import Adapt, Drawing, Line, Starter, option


def draw(d: Drawing) -> None:
    """Draw the flow."""
    d.node("start", "start", 0, 0, d.say("Vindo de outro fluxo", "From another flow", "Desde otro flujo"))
    words = d.words(
        "ajuda, suporte, problema, atendimento, reclamação",
        "help, support, problem, complaint",
        "ayuda, soporte, problema, reclamo",
    )
    title = d.say("Pediu ajuda", "Asked for help", "Pidió ayuda")
    d.node("asked", "trigger_keyword", 0, 1, title, words=words, match_type="contains", priority=5)
    d.node(
        "describe", "question", 1, 0.4, d.say("O que houve?", "What happened?", "¿Qué pasó?"),
        body=d.say(
            "Vou te ajudar. Conte em uma frase o que aconteceu.",
            "I'll help you. Tell me in one sentence what happened.",
            "Te ayudo. Cuéntame en una frase qué pasó.",
        ),
        variable="issue", kind="text", minimum=3, maximum=500,
        retry_message=d.say(
            "Pode escrever um pouquinho mais?", "Could you write a little more?", "¿Puedes escribir un poco más?"
        ),
        max_attempts=3,
    )  # fmt: skip
    d.node(
        "intent", "ai_classifier", 2, 0.4, d.say("Assunto", "Topic", "Tema"),
        input="{{ session.issue }}", output="topic",
        intents=[
            {
                "id": "order", "label": d.say("Pedido e entrega", "Order and delivery", "Pedido y entrega"),
                "examples": d.words(
                    "onde está meu pedido, minha entrega não chegou, pedido atrasado, qual o rastreio, quando chega",
                    "where is my order, my delivery has not arrived, late order, tracking number, when does it arrive",
                    "dónde está mi pedido, mi entrega no llegó, pedido atrasado, número de rastreo, cuándo llega",
                ),
            },
            {
                "id": "payment", "label": d.say("Pagamento", "Payment", "Pago"),
                "examples": d.words(
                    "fui cobrado duas vezes, boleto vencido, pix não caiu, quero reembolso, erro no cartão",
                    "I was charged twice, invoice overdue, payment failed, I want a refund, card declined",
                    "me cobraron dos veces, factura vencida, el pago falló, quiero un reembolso, tarjeta rechazada",
                ),
            },
            {
                "id": "person", "label": d.say("Falar com uma pessoa", "Talk to a person", "Hablar con una persona"),
                "examples": d.words(
                    "quero falar com um atendente, me passa para uma pessoa, falar com humano",
                    "I want to talk to an agent, let me speak to a person, human please",
                    "quiero hablar con un agente, pásame con una persona, hablar con un humano",
                ),
            },
        ],
    )  # fmt: skip
    d.node(
        "order", "msg_text", 3, 0, d.say("Sobre entregas", "About deliveries", "Sobre entregas"),
        body=d.say(
            "Entregas levam até 3 dias úteis depois do pagamento. O código de rastreio vai para o seu e-mail assim que o pedido sai.",
            "Deliveries take up to 3 business days after payment. The tracking code is e-mailed to you as soon as the order leaves.",
            "Las entregas tardan hasta 3 días hábiles después del pago. El código de rastreo llega a tu correo cuando sale el pedido.",
        ),
    )  # fmt: skip
    d.node(
        "payment", "msg_text", 3, 1, d.say("Sobre pagamentos", "About payments", "Sobre pagos"),
        body=d.say(
            "Pix é confirmado na hora; boleto e cartão, em até 2 dias úteis. Cobranças repetidas são devolvidas em até 7 dias.",
            "Transfers are confirmed at once, invoices and cards within 2 business days. Double charges are refunded within 7 days.",
            "Las transferencias se confirman al momento; tarjeta y factura, en hasta 2 días hábiles. Los cobros dobles se devuelven en 7 días.",
        ),
    )  # fmt: skip
    d.node(
        "solved", "msg_buttons", 4, 0.4, d.say("Resolveu?", "Solved?", "¿Resuelto?"),
        body=d.say("Isso resolveu?", "Did that solve it?", "¿Se resolvió?"),
        buttons=[
            option("yes", d.say("Sim, resolveu", "Yes, it did", "Sí, gracias")),
            option("no", d.say("Preciso de ajuda", "I need more help", "Necesito más ayuda")),
        ],
    )  # fmt: skip
    d.node("thanks", "msg_text", 5, 0, "", body=d.say("Que bom! 💚", "Great! 💚", "¡Qué bueno! 💚"))
    d.node("done", "end", 6, 0, d.say("Resolvido", "Solved", "Resuelto"), outcome="solved")
    d.node(
        "person", "action_transfer_to_queue", 5, 1.4, d.say("Passar para a equipe", "Hand over to the team", "Pasar al equipo"),
        queue_name=d.say("Suporte", "Support", "Soporte"), priority=1, fallback_action="abandon",
        message=d.say(
            "Vou chamar uma pessoa da equipe. Ela já recebe o que você contou.",
            "I'm calling someone from the team. They will see what you told me.",
            "Voy a llamar a una persona del equipo. Ya verá lo que me contaste.",
        ),
    )  # fmt: skip
    d.chain("start", "describe")
    d.chain("asked", "describe")
    d.link("describe", ("answered", "intent"), ("invalid", "person"))
    d.link(
        "intent",
        ("intent:order", "order"),
        ("intent:payment", "payment"),
        ("intent:person", "person"),
        ("other", "person"),
    )
    d.chain("order", "solved")
    d.chain("payment", "solved")
    d.link("solved", ("option:yes", "thanks"), ("option:no", "person"), ("other", "person"))
    d.chain("thanks", "done")


STARTER = Starter(
    "smart_support",
    "life-buoy",
    "service",
    ("Suporte inteligente", "Smart support", "Soporte inteligente"),
    (
        "Entende a frase do cliente, responde às dúvidas comuns e chama uma pessoa para o resto.",
        "Understands what the customer writes, answers common questions and calls a person for the rest.",
        "Entiende lo que escribe el cliente, responde dudas comunes y llama a una persona para lo demás.",
    ),
    draw,
    adapt=(
        Adapt("intent", ("Acrescente frases dos seus clientes a cada assunto.", "Add your own customers' sentences to each topic.", "Agrega frases de tus clientes a cada tema.")),
        Adapt("order", ("Ponha os seus prazos de entrega.", "Put your delivery times.", "Pon tus plazos de entrega.")),
        Adapt("payment", ("Confira as regras de pagamento e reembolso.", "Check the rules for payments and refunds.", "Revisa las reglas de pagos y reembolsos.")),
        Adapt("person", ("Escolha a fila do suporte.", "Choose the support queue.", "Elige la fila de soporte.")),
    ),
    script=(
        Line(("Preciso de ajuda", "I need help", "Necesito ayuda")),
        Line(("Minha entrega não chegou ainda", "My delivery has not arrived yet", "Mi entrega no llegó todavía")),
        Line(option="yes"),
    ),
)  # fmt: skip
