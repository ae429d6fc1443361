"""Flow localisation: the contact's language chooses, drafts keep their translations, the verifier tells the gaps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytake_app.engine.compiled import CompiledFlow, compile_flow
from pytake_app.engine.document import DocumentError, FlowDocument, parse_document
from pytake_app.engine.nodes import NODE_TYPES
from pytake_app.engine.operations import OperationError, apply, parse_operation
from pytake_app.engine.session import ContactView
from pytake_app.engine.translation import best_locale, reading_order, state_of, texts_of, translated
from pytake_app.engine.verify import verify
from pytake_app.engine.verify_nodes import plan
from tests.engine.helpers import Talk, context, document

MENU = {
    "body": "Oi, {{ contact.first_name }}! Como posso ajudar?",
    "buttons": [{"id": "support", "title": "Suporte"}, {"id": "a/b", "title": "Vendas"}],
    "retry_message": "Toque em um botão.",
}
ENGLISH = {
    "menu": {
        "/body": {"text": "Hi {{ contact.first_name }}! How can I help?", "source": MENU["body"]},
        "/buttons/support/title": {"text": "Support", "source": "Suporte"},
        "/buttons/a~1b/title": {"text": "Sales", "source": "Vendas"},
        "/retry_message": {"text": "Tap a button.", "source": "Toque em um botão."},
    },
    "due": {"/body": {"text": "Due {{ '2026-12-25' | date: '%B' }}", "source": ""}},
    "bye": {"/body": {"text": "Bye", "source": "Tchau"}},
}
SPANISH = {
    "menu": {"/body": {"text": "¡Hola, {{ contact.first_name }}! ¿En qué puedo ayudarte?"}},
    "bye": {"/body": {"text": "Chao"}},
}


def flow(**more: Any) -> FlowDocument:
    return document(
        [
            {"id": "s", "type": "start"},
            {"id": "menu", "type": "msg_buttons", "config": MENU},
            {
                "id": "speak",
                "type": "update_contact",
                "config": {"fields": [{"field": "language", "value": "es_AR"}]},
            },
            {"id": "bye", "type": "msg_text", "config": {"body": "Tchau"}},
            {"id": "due", "type": "msg_text", "config": {"body": "Vence em {{ '2026-12-25' | date: '%B' }}"}},
            {"id": "end", "type": "end"},
        ],
        [
            ("s", "next", "menu"),
            ("menu", "option:support", "due"),
            ("menu", "option:a/b", "speak"),
            ("speak", "next", "bye"),
            ("due", "next", "bye"),
            ("bye", "next", "end"),
        ],
        **{"translations": {"en": ENGLISH, "es": SPANISH}, **more},
    )


def compiled(**more: Any) -> CompiledFlow:
    return compile_flow(flow(**more), "f", 1)


def talk(language: str, **more: Any) -> Talk:
    contact = ContactView(id="c", name="Ana Lima", language=language)
    return Talk(compiled(**more), context(contact=contact))


@pytest.mark.parametrize(
    ("language", "greeting", "button", "typed", "bye"),
    [
        ("", "Oi, Ana! Como posso ajudar?", "Suporte", "suporte", ["Vence em dezembro", "Tchau"]),
        ("pt_PT", "Oi, Ana! Como posso ajudar?", "Suporte", "suporte", ["Vence em dezembro", "Tchau"]),
        ("en-US", "Hi Ana! How can I help?", "Support", "SUPPORT", ["Due December", "Bye"]),
        ("es", "¡Hola, Ana! ¿En qué puedo ayudarte?", "Suporte", "1", ["Vence em diciembre", "Chao"]),
        ("de", "Oi, Ana! Como posso ajudar?", "Suporte", "suporte", ["Vence em dezembro", "Tchau"]),
    ],
)
def test_the_contacts_language_chooses(language: str, greeting: str, button: str, typed: str, bye: list[str]) -> None:
    conversation = talk(language)
    [menu] = [e for e in conversation.last.events if e.type == "message_out"]
    assert (menu.content.body, menu.content.buttons[0].title) == (greeting, button)
    conversation.say(typed)
    assert conversation.bodies() == bye
    assert conversation.session.status == "completed"


def test_a_changed_language_counts_at_once() -> None:
    conversation = talk("en")
    conversation.say("sales")
    assert conversation.bodies() == ["Chao"]


def test_one_version_is_compiled_once_and_shares_what_has_no_texts() -> None:
    made = compiled()
    english = made.spoken("en")
    assert english is made.spoken("en_GB")
    assert english.spoken("") is made
    assert english.nodes["end"] is made.nodes["end"]
    assert english.nodes["menu"] is not made.nodes["menu"]
    assert compiled(translations={}).spoken("en").languages == {}


def test_best_locale() -> None:
    offered = ["en", "es", "pt_PT"]
    assert [best_locale(x, "pt_BR", offered) for x in ("pt-PT", "pt_AO", "EN_us", "es", "fr", "", "pt_BR")] == [
        "pt_PT", None, "en", "es", None, None, None,
    ]  # fmt: skip


def test_every_text_for_contacts_is_known_to_translators() -> None:
    """A prose field of a node that speaks is a translatable one."""
    unspoken = {"api_call", "ai_prompt", "ai_extract", "ai_classifier", "notify", "note", "group", "send_event"}
    for node_type in NODE_TYPES.values():
        if node_type.type in unspoken:
            continue
        for field in plan(node_type.config_model):
            if field.prose:
                extra = node_type.config_model.model_fields[field.name].json_schema_extra
                assert isinstance(extra, dict)
                assert extra["translate"] == "text", (node_type.type, field.name)


def test_pointers_follow_the_items_not_their_places() -> None:
    places = [p.pointer for p in texts_of("msg_buttons", MENU)]
    assert places == ["/body", "/buttons/support/title", "/buttons/a~1b/title", "/retry_message"]
    turned = {**MENU, "buttons": list(reversed(MENU["buttons"]))}
    menu = flow().translations["en"]["menu"]
    assert [b["title"] for b in translated("msg_buttons", turned, menu)["buttons"]] == ["Sales", "Support"]
    assert texts_of("msg_list", {"sections": [{"title": "A", "rows": [{"id": "x", "title": "X"}]}]})[-1].pointer == (
        "/sections/0/rows/x/title"
    )
    assert texts_of("msg_buttons", {"buttons": "junk", "body": 5}) == []


def test_reading_and_writing_keep_translations() -> None:
    first = flow()
    assert parse_document(first.model_dump_json()) == first
    old = {k: v for k, v in first.model_dump(mode="json").items() if k != "translations"}
    assert parse_document(old).translations == {}
    stray = parse_document({**old, "translations": {"en": {"gone": {"/body": {"text": "x"}}}}})
    assert stray.translations == {"en": {}}
    for junk in (5, {"EN!": {}}, {"en": 5}, {"en": {"menu": {"/body": {"text": 5}}}}, {str(i): {} for i in range(40)}):
        with pytest.raises(DocumentError):
            parse_document({**old, "translations": junk})


def put(locale: str, texts: dict[str, Any]) -> dict[str, Any]:
    return {"op": "set_translations", "locale": locale, "texts": texts}


def test_operations_and_their_inverses() -> None:
    before = flow().model_dump(mode="json")
    for operation in (
        put("en", {"menu": {"/body": {"text": "Hey"}, "/retry_message": None}, "bye": {"/body": None}}),
        put("fr", {"bye": {"/body": {"text": "Salut"}}}),
        {"op": "remove_language", "locale": "es"},
        {"op": "delete_nodes", "ids": ["menu", "bye"]},
    ):
        after, inverse = apply(before, parse_operation(operation))
        assert after != before
        assert apply(after, inverse)[0] == before
    gone, _ = apply(before, parse_operation({"op": "delete_nodes", "ids": ["menu"]}))
    assert [sorted(given) for given in gone["translations"].values()] == [["bye", "due"], ["bye"]]
    for wrong in (
        put("en", {"nobody": {"/body": {"text": "x"}}}),
        put("English", {}),
        {"op": "remove_language", "locale": "it"},
    ):
        with pytest.raises(OperationError):
            apply(before, parse_operation(wrong))


TEXTS = st.dictionaries(
    st.sampled_from(["menu", "bye", "end"]),
    st.dictionaries(
        st.sampled_from(["/body", "/footer", "/buttons/support/title", "/x/9"]),
        st.none() | st.fixed_dictionaries({"text": st.text(max_size=9), "source": st.text(max_size=9)}),
        max_size=3,
    ),
    max_size=3,
)


@settings(max_examples=60, deadline=None)  # on a busy machine one example may well take longer than 200 ms
@given(st.lists(st.tuples(st.sampled_from(["en", "es", "it"]), TEXTS), max_size=5))
def test_any_texts_survive_storing_and_undoing(edits: list[tuple[str, dict[str, Any]]]) -> None:
    first = flow().model_dump(mode="json")
    state, back = first, []
    for locale, texts in edits:
        state, inverse = apply(state, parse_operation(put(locale, texts)))
        back.append(inverse)
        assert FlowDocument.model_validate(state).model_dump(mode="json") == state
        verify(FlowDocument.model_validate(state))
        compile_flow(FlowDocument.model_validate(state), "f", 1)
    for inverse in reversed(back):
        state, _ = apply(state, inverse)
    assert state == first


def codes(doc: FlowDocument) -> list[tuple[str, str | None, str | None]]:
    return [(f.code, f.node_id, f.language) for f in verify(doc) if f.language is not None]


def test_the_verifier_tells_gaps_placeholders_and_limits() -> None:
    assert codes(flow(translations={"en": ENGLISH})) == []
    found = {(code, language) for code, _node, language in codes(flow())}
    assert found == {("translation_missing", "es")}
    long = {
        "menu": {**ENGLISH["menu"], "/buttons/support/title": {"text": "Talk to our support team", "source": "Apoio"}}
    }
    drops = {"due": ENGLISH["due"], "bye": {"/body": {"text": "Bye {{ session.x }}", "source": "Tchau"}}}
    assert codes(flow(translations={"en": {**long, **drops}, "pt_BR": {}})) == [
        ("too_long", "menu", "en"),
        ("translation_of_own", None, "pt_BR"),
        ("translation_outdated", "menu", "en"),
        ("translation_adds", "bye", "en"),
    ]
    [missing] = [f for f in verify(flow(translations={"en": {}})) if f.code == "translation_missing"]
    assert (missing.severity, missing.params["count"], missing.node_id) == ("warning", 6, "menu")
    twice = {"menu": {**ENGLISH["menu"], "/buttons/a~1b/title": {"text": "Support", "source": "Vendas"}}}
    assert ("duplicate_option_title", "menu", "en") in codes(flow(translations={"en": {**ENGLISH, **twice}}))


def test_states_and_reading_order() -> None:
    places = texts_of("msg_buttons", MENU)
    given = flow().translations["en"]["menu"]
    assert {state_of(place, given) for place in places} == {"done"}
    changed = texts_of("msg_buttons", {**MENU, "body": "Oi!"})
    assert [state_of(p, given) for p in changed][:2] == ["outdated", "done"]
    assert [n.id for n in reading_order(flow())] == ["s", "menu", "due", "bye", "end", "speak"]
