"""Job application: which opening, who, experience, the résumé as a file, consent by law, thanks."""

from __future__ import annotations

from pytake_app.flows.starters.drawing import Adapt, Drawing, Line, Starter, option


def draw(d: Drawing) -> None:
    """Draw the flow."""
    d.begin(
        (
            "vaga, vagas, emprego, currículo, trabalhe conosco, trabalhar aí",
            "job, jobs, vacancy, resume, work with you",
            "vacante, vacantes, empleo, currículum, trabajar con ustedes",
        ),
        ("Procura emprego", "Looks for a job", "Busca empleo"),
    )
    d.node(
        "opening", "msg_list", 1, 0.2, d.say("Vagas", "Openings", "Vacantes"),
        body=d.say(
            "Que bom que você quer trabalhar com a gente! 🤩 Para qual vaga?",
            "Great that you'd like to work with us! 🤩 Which opening is it for?",
            "¡Qué bueno que quieras trabajar con nosotros! 🤩 ¿Para qué vacante?",
        ),
        button=d.say("Ver vagas", "See openings", "Ver vacantes"),
        sections=[
            {
                "title": "",
                "rows": [
                    option("sales", d.say("Atendimento", "Sales assistant", "Atención al cliente"), d.say("Loja, período integral", "Shop, full time", "Tienda, tiempo completo")),
                    option("stock", d.say("Estoque", "Stockroom", "Almacén"), d.say("Manhã ou tarde", "Mornings or afternoons", "Mañana o tarde")),
                    option("driver", d.say("Entregas", "Delivery driver", "Reparto"), d.say("Com moto própria", "With your own motorbike", "Con moto propia")),
                    option("other", d.say("Banco de talentos", "Future openings", "Futuras vacantes"), d.say("Para as próximas vagas", "For what comes next", "Para las próximas")),
                ],
            }
        ],
        variable="job",
    )  # fmt: skip
    d.node(
        "name", "question", 2, 0.2, d.say("Nome", "Name", "Nombre"),
        body=d.say("Legal! Qual é o seu nome completo?", "Nice! What's your full name?", "¡Genial! ¿Cuál es tu nombre completo?"),
        variable="name", kind="text", minimum=3, maximum=100,
        retry_message=d.say("Pode escrever nome e sobrenome?", "Could you write your first and last name?", "¿Puedes escribir nombre y apellido?"),
    )  # fmt: skip
    d.node(
        "experience", "msg_buttons", 3, 0.2, d.say("Experiência", "Experience", "Experiencia"),
        body=d.say(
            "Prazer, {{ session.name }}! Você já trabalhou na área?",
            "Nice to meet you, {{ session.name }}! Have you done this kind of work before?",
            "¡Mucho gusto, {{ session.name }}! ¿Ya trabajaste en el área?",
        ),
        buttons=[
            option("yes", d.say("Sim, tenho prática", "Yes, I have", "Sí, ya trabajé")),
            option("little", d.say("Um pouco", "A little", "Un poco")),
            option("first", d.say("É o primeiro emprego", "It's my first job", "Es mi primer empleo")),
        ],
        variable="experience",
        retry_message=d.say("Toque em uma das opções, por favor.", "Please tap one of the options.", "Toca una de las opciones, por favor."),
    )  # fmt: skip
    d.node(
        "resume", "question", 4, 0.2, d.say("Currículo", "Résumé", "Currículum"),
        body=d.say(
            "Agora me manda o currículo em PDF ou uma foto dele. 📄\nAo enviar, você autoriza guardar seus dados por até 6 meses, só para esta seleção.",
            "Now send me your résumé as a PDF or a photo of it. 📄\nBy sending it you allow us to keep your data for up to 6 months, for this selection only.",
            "Ahora envíame tu currículum en PDF o una foto. 📄\nAl enviarlo autorizas guardar tus datos hasta 6 meses, solo para esta selección.",
        ),
        variable="resume", kind="file", max_attempts=2,
        retry_message=d.say("Preciso de um arquivo ou de uma foto do currículo.", "I need a file or a photo of your résumé.", "Necesito un archivo o una foto del currículum."),
    )  # fmt: skip
    d.node(
        "keep", "update_contact", 5, 0, d.say("Guardar no contato", "Keep with the contact", "Guardar en el contacto"),
        fields=[
            {"field": "name", "value": "{{ session.name }}"},
            {"field": "job", "value": "{{ session.job }}"},
            {"field": "experience", "value": "{{ session.experience }}"},
        ],
    )  # fmt: skip
    d.node(
        "tag",
        "tag_contact",
        6,
        0,
        d.say("Marcar candidato", "Tag as candidate", "Marcar candidato"),
        add=[d.say("candidato", "candidate", "candidato")],
    )
    d.node(
        "tell", "notify", 7, 0, d.say("Avisar o RH", "Tell HR", "Avisar a RR. HH."),
        audience="everyone", level="info",
        title=d.say("Nova candidatura: {{ session.job }}", "New application: {{ session.job }}", "Nueva postulación: {{ session.job }}"),
        body="{{ session.name }} ({{ session.experience }})",
    )  # fmt: skip
    d.node(
        "thanks", "msg_text", 8, 0, d.say("Agradecer", "Thank", "Agradecer"),
        body=d.say(
            "Recebido, {{ session.name }}! Se o perfil combinar, chamamos você em até 10 dias. Boa sorte! 🍀",
            "Received, {{ session.name }}! If it's a match we'll call you within 10 days. Good luck! 🍀",
            "¡Recibido, {{ session.name }}! Si tu perfil encaja, te llamamos en hasta 10 días. ¡Suerte! 🍀",
        ),
    )  # fmt: skip
    d.node("end", "end", 9, 0, d.say("Candidatura feita", "Applied", "Postulación hecha"), outcome="application")
    d.person(5, 0.8, ("RH", "HR", "RR. HH."))
    d.chain("start", "opening")
    d.chain("asked", "opening")
    d.link("opening", *((f"option:{job}", "name") for job in ("sales", "stock", "driver", "other")))
    d.link("name", ("answered", "experience"), ("invalid", "person"))
    d.link("experience", *((f"option:{answer}", "resume") for answer in ("yes", "little", "first")))
    d.link("resume", ("answered", "keep"), ("invalid", "person"))
    d.chain("keep", "tag", "tell", "thanks", "end")


STARTER = Starter(
    "job_application",
    "briefcase-business",
    "team",
    ("Trabalhe conosco", "Job application", "Trabaja con nosotros"),
    (
        "Recebe candidaturas: vaga, nome, experiência e currículo, com o aviso da LGPD, e avisa o RH.",
        "Takes applications: opening, name, experience and résumé, with the privacy notice, and tells HR.",
        "Recibe postulaciones: vacante, nombre, experiencia y currículum, con el aviso de privacidad, y avisa a RR. HH.",
    ),
    draw,
    adapt=(
        Adapt("opening", ("Ponha as suas vagas abertas.", "Put your current openings.", "Pon tus vacantes abiertas.")),
        Adapt("resume", ("Confira o prazo em que os dados são guardados.", "Check how long you keep the data.", "Revisa por cuánto tiempo guardas los datos.")),
        Adapt("tell", ("Escolha quem cuida da seleção.", "Choose who handles the selection.", "Elige quién se ocupa de la selección.")),
    ),
    script=(
        Line(("Vocês têm vaga?", "Do you have a job opening?", "¿Tienen vacantes?")),
        Line(option="sales"),
        Line(("Ana Lima", "Ana Lima", "Ana Lima")),
        Line(option="yes"),
        Line(file="curriculo.pdf"),
    ),
)  # fmt: skip
