"""Files of Typebot and RapidPro become flows that run, and nothing in a file can make the importer fail."""

import copy
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytake_app.engine import runner
from pytake_app.engine import session as engine
from pytake_app.engine.document import FlowDocument, parse_document
from pytake_app.engine.events import MessageOut
from pytake_app.engine.templating import Template
from pytake_app.engine.verify import VerifyEnv, verify
from pytake_app.flows import importers
from pytake_app.flows.importers import Imported, UnreadableFile
from pytake_app.flows.importers.excellent import Expressions
from pytake_app.flows.importers.notes import SENTENCES
from tests.flows.importing import files

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Talk:
    """A conversation with an imported flow, on the engine itself."""

    def __init__(self, document: FlowDocument, **variables: Any) -> None:
        self.flow = runner.compile_flow(document, "flow", 1)
        self.count = 0
        self.said: list[Any] = []
        trigger = engine.Trigger(kind="test", params=variables)
        self.keep(runner.start(self.flow, trigger, self.context()))

    def context(self) -> engine.RunContext:
        contact = engine.ContactView(id="c", name="Ana Lima", language="pt_BR")
        return engine.RunContext(now=NOW, new_id=self.new_id, contact=contact)

    def new_id(self) -> str:
        self.count += 1
        return f"id{self.count}"

    def keep(self, sprint: engine.Sprint) -> None:
        assert not sprint.ignored
        self.session = sprint.session
        self.steps = sprint.steps
        self.said = [event.content for event in sprint.events if isinstance(event, MessageOut)]

    def say(self, text: str, pressed: str | None = None) -> "Talk":
        message = engine.InboundInput(text=text, selection_id=pressed, at=NOW)
        self.keep(runner.resume(self.session, self.flow, engine.MessageResume(message=message), self.context()))
        return self


def checked(imported: Imported) -> Imported:
    """Every document is whole: read again, verified without a fall, its lines name nodes that exist."""
    for flow in imported.flows:
        raw = flow.document.model_dump(mode="json")
        assert parse_document(json.loads(json.dumps(raw))) == flow.document
        verify(flow.document, VerifyEnv())
        ids = {node.id for node in flow.document.nodes}
        assert set(flow.references) <= ids
    every = {node.id for flow in imported.flows for node in flow.document.nodes}
    assert {line.node_id for line in imported.report.lines if line.node_id} <= every
    report = imported.report
    assert report.translated + report.approximated + report.left_out == len(report.lines)
    for line in report.lines:
        # What isn't simply translated says why, in words that every language has.
        assert bool(line.notes) == bool(line.note) == (line.outcome != "translated"), line
        said = "; ".join(dict.fromkeys(SENTENCES[n.code].format(**n.params) for n in line.notes))
        assert line.note == said[:500]
    return imported


def config(document: FlowDocument, node_id: str) -> Any:
    node = document.node(node_id)
    assert node is not None, [n.id for n in document.nodes]
    return node.config


def target(document: FlowDocument, source: str, port: str) -> str | None:
    return next((e.target for e in document.edges if (e.source, e.port) == (source, port)), None)


def outcome(imported: Imported, source_id: str) -> str:
    return next(line.outcome for line in imported.report.lines if line.source_id == source_id)


def test_a_typebot_becomes_a_flow_that_runs() -> None:
    imported = checked(importers.convert(files.typebot6()))
    assert (imported.report.kind, imported.report.version) == ("typebot", "6.1")
    (flow,) = imported.flows
    document = flow.document
    assert document.name == "Pizzaria"
    assert config(document, "t1")["body"] == "Olá *{{ nome_do_cliente }}*"
    assert config(document, "c1")["buttons"] == [{"id": "i1", "title": "Pedir"}, {"id": "i2", "title": "Horário"}]
    assert config(document, "s1")["assignments"][0]["value"] == "{{ total | plus: 1 }}"
    assert config(document, "n1") | {"minimum": 1.0, "maximum": 20.0, "kind": "number"} == config(document, "n1")
    assert target(document, "if", "true") == "im"
    assert target(document, "ab", "branch:a") == "r1"
    assert target(document, "ab", "branch:b") == "im", "a jump is an edge"
    assert target(document, "cmd", "next") == "c1"
    assert flow.references == {"l1": "bot2"}
    assert config(document, "http")["mapping"] == [{"name": "pedido", "path": "$.order.id"}]
    assert {outcome(imported, key) for key in ("js", "rep")} == {"left_out"}
    assert {outcome(imported, key) for key in ("r1", "cmd")} == {"approximated"}
    assert {outcome(imported, key) for key in ("t1", "c1", "n1", "if", "ab", "im", "w1", "j1", "t2")} == {"translated"}
    talk = Talk(document, nome_do_cliente="Ana")
    assert [content.body for content in talk.said] == ["Olá *Ana*", "O que deseja?"]
    assert talk.say("Pedir").said[0].body == "Quantas pizzas?"
    assert [content.type for content in talk.say("7").said][:2] == ["media", "text"]
    assert talk.session.variables["total"] == 7


def test_typebots_hidden_values_and_waits() -> None:
    talk = Talk(importers.convert(files.typebot6()).flows[0].document, total=2)
    talk.say("Horário")
    assert (talk.session.variables["opcao"], talk.session.variables["total"]) == ("hours", 3)
    assert talk.session.wait is not None
    assert talk.session.wait.kind == "delay"


def test_the_oldest_typebot() -> None:
    imported = checked(importers.convert(files.typebot3()))
    document = imported.flows[0].document
    talk = Talk(document)
    assert talk.said[0].body == "Seu e-mail?\nÉ & rápido"
    assert talk.say("nada").said[0].body == "Não parece um e-mail."
    talk.say("ana@example.com")
    assert talk.session.variables["email"] == "ana@example.com"
    assert config(document, "b3")["maximum"] == 5.0
    assert talk.say("4").session.variables["email"] == "feito"
    assert talk.session.status == "completed"
    assert outcome(imported, "b5") == "left_out"


def test_groups_keep_their_places_and_do_not_cover_each_other() -> None:
    document = importers.convert(files.typebot6()).flows[0].document
    places = {node.id: (node.position.x, node.position.y) for node in document.nodes}
    assert places["t1"] == (400.0, 20.0)
    assert places["im"] == (1200.0, 20.0)
    assert len(set(places.values())) == len(places)


def test_many_choices_are_shown_in_pages() -> None:
    bot = files.typebot6()
    block = bot["groups"][0]["blocks"][2]
    block["items"] = [{"id": f"i{n}", "content": f"Sabor número {n} com nome comprido"} for n in range(23)]
    imported = checked(importers.convert(bot))
    document = imported.flows[0].document
    lists = [node for node in document.nodes if node.type == "msg_list"]
    assert len(lists) == 3
    assert outcome(imported, "c1") == "approximated"
    talk = Talk(document)
    talk.say("2/3")
    assert talk.said[0].sections[0].rows[3].description == "Sabor número 12 com nome comprido"
    talk.say("", pressed="i12")
    assert talk.session.variables["opcao"].startswith("Sabor número 12")
    findings = verify(document, VerifyEnv())
    assert not [f for f in findings if f.node_id in {node.id for node in lists} and f.severity == "error"]


def test_paths_that_just_stop_there_end_here() -> None:
    bot = files.typebot6()
    bot["edges"] = [edge for edge in bot["edges"] if edge["id"] != "e1"]
    document = checked(importers.convert(bot)).flows[0].document
    assert not [finding for finding in verify(document, VerifyEnv()) if finding.code == "unconnected_port"]


def test_options_of_one_name_are_told_apart() -> None:
    bot = files.typebot6()
    bot["groups"][0]["blocks"][2]["items"] = [{"id": f"i{n}", "content": "Sim"} for n in range(3)]
    titles = [b["title"] for b in config(importers.convert(bot).flows[0].document, "c1")["buttons"]]
    assert titles == ["Sim", "Sim (2)", "Sim (3)"]


@pytest.mark.parametrize(
    ("version", "code", "given", "expected", "noted"),
    [
        ("6", False, "Oi {{Nome}}", "Oi {{ nome }}", False),
        ("6", True, "{{A}} * 2", "{{ a | times: 2 }}", False),
        ("6", True, "{{A}} + {{B}} * 2", "", True),
        ("5", False, "new Date().toString()", "", True),
        ("5", False, "`igual`", "igual", False),
        ("6", False, "{% if %}", '{{ "{" }}% if %}', False),
    ],
)
def test_values_of_variables(version: str, code: bool, given: str, expected: str, noted: bool) -> None:
    bot = {
        "version": version, "id": "b", "edges": [], "variables": [{"id": "v", "name": "X"}],
        "groups": [{"id": "g", "blocks": [{"id": "s", "type": "Set variable", "options": {
            "variableId": "v", "expressionToEvaluate": given, "isCode": code}}]}],
    }  # fmt: skip
    imported = checked(importers.convert(bot))
    written = config(imported.flows[0].document, "s")["assignments"][0]["value"]
    assert written == expected
    assert (outcome(imported, "s") == "approximated") is noted


def test_a_rapidpro_export_becomes_flows_that_run() -> None:
    imported = checked(importers.convert(files.rapidpro()))
    assert [flow.document.name for flow in imported.flows] == ["Cores", "Filho"]
    first = imported.flows[0]
    document = first.document
    assert document.settings.expiry_minutes == 60
    assert config(document, "trigger") == {"words": ["cor"], "match_type": "exact", "priority": 0}
    assert first.references == {"a5": "f2"}
    talk = Talk(document)
    menu = talk.said[0]
    assert menu.body == "Oi Ana, sua cor?"
    assert [button.title for button in menu.buttons] == ["Vermelho", "Azul"]
    talk.say("Azul")
    assert talk.session.variables["cor_favorita"] == "Azul"
    assert [content.body for content in talk.said] == ["Boa: AZUL (Azul), me@x.com"]
    assert config(document, "a2") == {"fields": [{"field": "cor", "value": "{{ cor_favorita }}"}]}
    assert config(document, "a3")["add"] == ["Pintores"]
    menu_id = "n2-menu"
    late = target(document, menu_id, "timeout")
    assert late is not None
    assert config(document, late)["assignments"][0]["value"] == "Sem resposta"
    assert target(document, late, "next") == "n6-split"
    assert config(document, menu_id)["timeout_minutes"] == 10.0
    assert target(document, "a6", "error") == "a7"
    assert target(document, "a6", "success") == "n6-split"
    assert target(document, "n6-split", "branch:b1") == "a7"
    assert config(document, "st")["text"] == "Atenção\nrever"
    assert outcome(imported, "a8") == "left_out"


def test_a_typed_answer_takes_the_way_of_its_category_in_every_language() -> None:
    document = importers.convert(files.rapidpro()).flows[0].document
    talk = Talk(document).say("acho que RED mesmo")
    assert talk.said[0].body.startswith("Boa: ACHO QUE RED MESMO (Vermelha)")
    assert Talk(document).say("verde").said[0].body == "Não entendi."


def test_a_message_is_said_in_the_contacts_language() -> None:
    document = importers.convert(files.rapidpro()).flows[0].document
    flow = runner.compile_flow(document, "f", 1)
    contact = engine.ContactView(id="c", name="Bob", language="en_US")
    context = engine.RunContext(now=NOW, new_id=lambda: "i", contact=contact)
    sprint = runner.start(flow, engine.Trigger(kind="test"), context)
    (message,) = [event.content for event in sprint.events if isinstance(event, MessageOut)]
    assert message.model_dump()["body"] == "Hi Bob, your colour?"


def test_a_single_number_test_becomes_a_question_of_that_kind() -> None:
    child = importers.convert(files.rapidpro()).flows[1].document
    question = config(child, "m2-question")
    assert (question["kind"], question["minimum"], question["maximum"]) == ("number", 1.0, 120.0)
    assert Talk(child).say("33").session.variables["idade"] == 33
    assert Talk(child).say("muitos").session.variables["idade"] == "0"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Oi @contact.name!", "Oi {{ contact.name }}!"),
        ("@fields.age / @contact.fields.age", "{{ contact.age }} / {{ contact.age }}"),
        ("@(upper(contact.name) & \"!\")", "{{ contact.name | upcase }}{{ \"!\" }}"),
        ("@(results.n + 1)", "{{ n | plus: 1 }}"),
        ("@(if(results.n = 1, \"um\", \"outro\"))",
         "{% if n == 1 %}{{ \"um\" }}{% else %}{{ \"outro\" }}{% endif %}"),
        ("@@home e a@b.com", "@home e a@b.com"),
        ("@(default(fields.city, \"?\"))", "{{ contact.city | default: \"?\" }}"),
        ("@parent.results.cor @child.results.cor.value", "{{ cor }} {{ cor }}"),
        ("@(regex_match(x))", ""),
        ("@(broken", "@(broken"),
        ("{{ liquid }}", '{{ "{" }}{ liquid }}'),
        ("@webhook.json.order.id", "{{ webhook.order.id }}"),
    ],
)  # fmt: skip
def test_expressions(theirs: str, ours: str) -> None:
    made, lost = Expressions().template(theirs)
    assert made == ours
    assert bool(lost) is (ours == "")
    assert Template(made).problem is None


@pytest.mark.parametrize(("make", "kind"), [(files.typebot6, "typebot"), (files.rapidpro, "rapidpro")])
def test_a_file_may_come_as_its_text(make: Any, kind: str) -> None:
    assert importers.convert(json.dumps(make())).report.kind == kind


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (None, "not_a_flow"),
        ("texto", "not_json"),
        ({"groups": "x"}, "not_a_flow"),
        ([], "not_a_flow"),
        ({"format": "pytake.flow"}, "not_a_flow"),
        ({"version": 4, "flows": [{"action_sets": [], "rule_sets": []}]}, "older_format"),
        ({"nodes": [{"id": "a", "type": "unheard"}]}, "unknown_type"),
    ],
)
def test_what_is_no_flow_is_said(raw: Any, code: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        importers.convert(raw)
    assert caught.value.problems[0].code == code
    assert caught.value.problems[0].message


def converted_or_refused(raw: Any) -> Imported | None:
    try:
        return checked(importers.convert(raw))
    except UnreadableFile as error:
        problems = error.problems
    assert problems
    return None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["groups", "blocks", "edges", "nodes", "flows", "uuid", "exits", "id", "type", "items"])
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)
_FILES = (files.typebot6, files.typebot3, files.rapidpro)


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_any_json_is_read_or_refused(raw: Any) -> None:
    converted_or_refused(raw)


def _spots(value: Any) -> list[tuple[Any, Any]]:
    """Every place of a file, as (container, key)."""
    found: list[tuple[Any, Any]] = []
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        found.append((value, key))
        found += _spots(inner)
    return found


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_file_never_makes_the_importer_fall(data: st.DataObject) -> None:
    raw = copy.deepcopy(data.draw(st.sampled_from(_FILES))())
    for _ in range(data.draw(st.integers(1, 5))):
        container, key = data.draw(st.sampled_from(_spots(raw)))
        if data.draw(st.booleans()) and isinstance(container, dict):
            del container[key]
        else:
            container[key] = data.draw(JSON)
    imported = converted_or_refused(raw)
    if imported is None:
        return
    for flow in imported.flows:
        if imported.report.kind != "pytake":
            talk = Talk(flow.document)
            for text in ("Azul", "7", "x"):
                if talk.session.wait is not None and talk.session.wait.kind == "message":
                    talk.say(text)


@pytest.mark.parametrize("language", ["pt_BR", "en", "es"])
def test_every_note_has_a_sentence_in_three_languages(language: str) -> None:
    raw = (Path(importers.__file__).parents[2] / "locales" / language / "import.json").read_text(encoding="utf-8")
    texts = {key.removeprefix("import.note."): text for key, text in json.loads(raw).items()}
    # Other texts of the area aren't the importers'.
    texts = {key: text for key, text in texts.items() if not key.startswith("import.")}
    assert set(texts) == set(SENTENCES)
    for code, text in texts.items():
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", SENTENCES[code])), code
    if language == "en":
        assert texts == SENTENCES


def test_every_code_in_use_is_declared_and_every_declared_one_is_used() -> None:
    folder = Path(importers.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py") if path.name != "notes.py")
    assert set(re.findall(r'remark\(\s*"(\w+)"', source)) == set(SENTENCES)
