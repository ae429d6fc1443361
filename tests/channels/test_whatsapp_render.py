"""Rendering against Meta's limits; the judge of the sandbox and the renderer check each other."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pytake_app.channels.base import Recipient
from pytake_app.channels.content import OutboundContent, parse_content
from pytake_app.channels.errors import RenderError
from pytake_app.channels.whatsapp import limits
from pytake_app.channels.whatsapp.graph_rules import validate_send
from pytake_app.channels.whatsapp.render import render, render_mark_read
from pytake_app.engine import content as engine_content
from tests.channels.corpus import corpus_root

TO = Recipient(external_id="5511987650001")


def buttons(**changes: Any) -> dict[str, Any]:
    return {"type": "buttons", "body": "b", "buttons": [{"id": "1", "title": "t"}], **changes}


def rows(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [{"id": str(number), "title": f"row {number}", **changes} for number in range(count)]


def menu(**changes: Any) -> dict[str, Any]:
    return {"type": "list", "body": "b", "button": "Ver", "sections": [{"rows": rows(1)}], **changes}


def form(**changes: Any) -> dict[str, Any]:
    return {"type": "form", "body": "b", "cta": "Abrir", "flow_id": "1", **changes}


def cta(**changes: Any) -> dict[str, Any]:
    return {"type": "cta_url", "body": "b", "display_text": "Ver", "url": "https://example.com", **changes}


def media(kind: str = "image", **changes: Any) -> dict[str, Any]:
    return {"type": "media", "kind": kind, "url": "https://example.com/a", **changes}


def template(**changes: Any) -> dict[str, Any]:
    return {"type": "template", "name": "hello", "language": "pt_BR", **changes}


# content at the limit, member, limit, content one over it
AT_LIMIT = [
    (lambda n: {"type": "text", "body": "x" * n}, "body", 4096),
    (lambda n: media(caption="x" * n), "caption", 1024),
    (lambda n: media("video", caption="x" * n), "caption", 1024),
    (lambda n: media("document", caption="x" * n), "caption", 1024),
    (lambda n: buttons(body="x" * n), "body", 1024),
    (lambda n: buttons(footer="x" * n), "footer", 60),
    (lambda n: buttons(header={"type": "text", "text": "x" * n}), "header.text", 60),
    (lambda n: buttons(buttons=[{"id": "x" * n, "title": "t"}]), "buttons[0].id", 256),
    (lambda n: buttons(buttons=[{"id": "1", "title": "x" * n}]), "buttons[0].title", 20),
    (lambda n: buttons(buttons=[{"id": str(i), "title": str(i)} for i in range(n)]), "buttons", 3),
    (lambda n: menu(body="x" * n), "body", 4096),
    (lambda n: menu(footer="x" * n), "footer", 60),
    (lambda n: menu(header="x" * n), "header.text", 60),
    (lambda n: menu(button="x" * n), "button", 20),
    (lambda n: menu(sections=[{"rows": rows(n)}]), "rows", 10),
    (lambda n: menu(sections=[{"title": "x" * n, "rows": rows(1)}]), "sections[0].title", 24),
    (lambda n: menu(sections=[{"rows": [{"id": "x" * n, "title": "t"}]}]), "sections[0].rows[0].id", 200),
    (lambda n: menu(sections=[{"rows": [{"id": "1", "title": "x" * n}]}]), "sections[0].rows[0].title", 24),
    (lambda n: menu(sections=[{"rows": rows(1, description="x" * n)}]), "sections[0].rows[0].description", 72),
    (
        lambda n: menu(sections=[{"title": f"s{i}", "rows": [{"id": str(i), "title": "t"}]} for i in range(n)]),
        "sections",
        10,
    ),
    (lambda n: cta(body="x" * n), "body", 1024),
    (lambda n: cta(display_text="x" * n), "display_text", 20),
    (lambda n: cta(footer="x" * n), "footer", 60),
    (lambda n: form(body="x" * n), "body", 1024),
    (lambda n: form(cta="x" * n), "cta", 30),
    (lambda n: {"type": "location_request", "body": "x" * n}, "body", 1024),
    (lambda n: template(name="x" * n), "name", 512),
    (
        lambda n: template(buttons=[{"index": i, "kind": "quick_reply", "value": "p"} for i in range(n)]),
        "components",
        10,
    ),
    (
        lambda n: template(buttons=[{"index": 0, "kind": "copy_code", "value": "x" * n}]),
        "components[0].parameters[0].value",
        15,
    ),
]


@pytest.mark.parametrize(
    ("make", "field", "limit"), AT_LIMIT, ids=[f"{n}-{case[1]}" for n, case in enumerate(AT_LIMIT)]
)
def test_the_limit_itself_is_sent_and_one_more_is_refused(make: Any, field: str, limit: int) -> None:
    rendered = render(parse_content(make(limit)), TO)
    assert validate_send(rendered.body) == []
    with pytest.raises(RenderError) as refused:
        render(parse_content(make(limit + 1)), TO)
    assert (refused.value.field, refused.value.limit, refused.value.actual) == (field, limit, limit + 1)
    assert "xxx" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "field", "code"),
    [
        ({"type": "text", "body": ""}, "body", "required"),
        (buttons(buttons=[]), "buttons", "required"),
        (buttons(buttons=[{"id": "1", "title": "a"}, {"id": "1", "title": "b"}]), "buttons.id", "duplicate"),
        (buttons(buttons=[{"id": "1", "title": "a"}, {"id": "2", "title": "a"}]), "buttons.title", "duplicate"),
        (menu(sections=[]), "sections", "required"),
        (menu(sections=[{"rows": []}]), "rows", "required"),
        (menu(sections=[{"rows": [*rows(1), *rows(1)]}]), "rows.id", "duplicate"),
        (
            menu(sections=[{"rows": rows(1)}, {"title": "b", "rows": [{"id": "9", "title": "t"}]}]),
            "sections[0].title",
            "required",
        ),
        (menu(header={"type": "image", "url": "https://example.com/a.jpg"}), "header", "unsupported"),
        (media("audio", caption="x"), "caption", "unsupported"),
        (media("sticker", caption="x"), "caption", "unsupported"),
        (media(url="ftp://example.com/a"), "url", "invalid"),
        (media(url="javascript:alert(1)"), "url", "invalid"),
        (cta(url="example.com"), "url", "invalid"),
        (form(action="data_exchange", screen="A"), "screen", "unsupported"),
        (template(body=["a"], named_body={"b": "c"}), "named_body", "invalid"),
        (template(body=[""]), "components[0].parameters[0].value", "required"),
        ({"type": "contacts", "contacts": []}, "contacts", "required"),
    ],
)
def test_refuses_what_meta_would(content: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(RenderError) as refused:
        render(parse_content(content), TO)
    assert (refused.value.field, refused.value.code) == (field, code)


@pytest.mark.parametrize(
    "value",
    [
        {"type": "text", "body": "a", "surprise": 1},
        {"type": "media", "kind": "image"},
        {"type": "media", "kind": "image", "url": "https://e.com/a", "media_id": "1"},
        {"type": "media", "kind": "hologram", "url": "https://e.com/a"},
        {"type": "location", "latitude": 91, "longitude": 0},
        form(flow_name="also"),
        {"type": "nothing"},
        {},
        [],
    ],
)
def test_content_of_another_shape_is_no_content(value: Any) -> None:
    with pytest.raises(ValidationError):
        parse_content(value)


def test_quotes_marks_and_addresses() -> None:
    text = parse_content({"type": "text", "body": "oi"})
    body = render(text, TO, reply_to="wamid.A", callback_data="m1").body
    assert body["context"] == {"message_id": "wamid.A"}
    assert body["biz_opaque_callback_data"] == "m1"
    assert render(text, Recipient(bsuid="BR.1")).body["recipient"] == "BR.1"
    assert "recipient" not in render(text, Recipient("55119", bsuid="BR.1")).body
    group = render(text, Recipient(group_id="G")).body
    assert (group["recipient_type"], group["to"]) == ("group", "G")
    with pytest.raises(RenderError):
        render(text, TO, callback_data="x" * 513)
    with pytest.raises(RenderError):
        render_mark_read("")
    reaction = parse_content({"type": "reaction", "message_external_id": "wamid.A", "emoji": ""})
    assert render(reaction, TO, reply_to="wamid.B").body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "5511987650001",
        "type": "reaction",
        "reaction": {"message_id": "wamid.A", "emoji": ""},
    }


def test_a_template_with_everything() -> None:
    content = template(
        header={"type": "image", "media_id": "77"},
        body=["Ana", "10%"],
        buttons=[
            {"index": 0, "kind": "url", "value": "ana"},
            {"index": 1, "kind": "quick_reply", "value": "stop"},
            {"index": 2, "kind": "copy_code", "value": "OFF10"},
        ],
    )
    body = render(parse_content(content), TO).body
    assert validate_send(body) == []
    assert body["template"]["components"] == [
        {"type": "header", "parameters": [{"type": "image", "image": {"id": "77"}}]},
        {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "10%"}]},
        {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "ana"}]},
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": 1,
            "parameters": [{"type": "payload", "payload": "stop"}],
        },
        {
            "type": "button",
            "sub_type": "copy_code",
            "index": 2,
            "parameters": [{"type": "coupon_code", "coupon_code": "OFF10"}],
        },
    ]
    named = render(parse_content(template(named_body={"name": "Ana"})), TO).body
    assert named["template"]["components"][0]["parameters"] == [
        {"type": "text", "parameter_name": "name", "text": "Ana"}
    ]


def test_limits_are_the_documented_ones() -> None:
    root = corpus_root()
    if root is None:
        pytest.skip("no corpus beside the checkout (PYTAKE_CORPUS)")
    documented = {
        (row["object"], row["limit"]): row["value"]
        for row in json.loads((root / "limits.json").read_text(encoding="utf-8"))
        if row["channel"] == "whatsapp" and row["status"] == "documented"
    }
    ours = {
        ("text", "body"): limits.TEXT_BODY,
        ("image", "caption"): limits.CAPTION,
        ("interactive.button", "body"): limits.BUTTONS_BODY,
        ("interactive.button", "button id"): limits.BUTTON_ID,
        ("interactive.button", "button title"): limits.BUTTON_TITLE,
        ("interactive.button", "footer"): limits.FOOTER,
        ("interactive.button", "buttons"): limits.BUTTONS_COUNT,
        ("interactive", "header text"): limits.HEADER_TEXT,
        ("interactive.list", "body"): limits.LIST_BODY,
        ("interactive.list", "button text"): limits.LIST_BUTTON,
        ("interactive.list", "row description"): limits.ROW_DESCRIPTION,
        ("interactive.list", "row id"): limits.ROW_ID,
        ("interactive.list", "row title"): limits.ROW_TITLE,
        ("interactive.list", "section title"): limits.SECTION_TITLE,
        ("interactive.list", "sections"): limits.LIST_SECTIONS,
        ("interactive.list", "rows over all sections"): limits.LIST_ROWS,
        ("interactive.cta_url", "body"): limits.CTA_BODY,
        ("interactive.cta_url", "display_text"): limits.CTA_TITLE,
        ("interactive.location_request_message", "body"): limits.LOCATION_REQUEST_BODY,
        ("template", "name"): limits.TEMPLATE_NAME,
        ("template", "buttons in total"): limits.TEMPLATE_BUTTONS,
        ("template", "copy code"): limits.COPY_CODE,
        ("template", "header variables"): limits.TEMPLATE_HEADER_VARIABLES,
        ("biz_opaque_callback_data", "length"): limits.CALLBACK_DATA,
        ("typing indicator", "lifetime"): limits.TYPING_SECONDS,
        ("mark as read", "age of message"): limits.READ_MAX_AGE_DAYS,
        ("customer service window", "duration"): limits.SERVICE_WINDOW_HOURS,
        **{
            ("media", kind): limits.MEDIA_BYTES[kind] // limits.MEBIBYTE
            for kind in ("image", "video", "audio", "document")
        },
    }
    assert {key: str(documented[key]) for key in ours} == {key: str(value) for key, value in ours.items()}


# ---- renderer and judge -----------------------------------------------------------------------------------------

some_text = st.text(max_size=80)
short = st.text(max_size=30)
maybe = st.none() | some_text
address = st.sampled_from(["https://example.com/a.jpg", "http://x", "", "nope", "https://example.com/a b"])
headers = (
    st.none()
    | st.builds(lambda text: {"type": "text", "text": text}, some_text)
    | st.builds(lambda kind, url: {"type": kind, "url": url}, st.sampled_from(["image", "video", "document"]), address)
)
contents = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "body": some_text, "preview_url": st.booleans()}),
    st.fixed_dictionaries(
        {
            "type": st.just("media"),
            "kind": st.sampled_from(["image", "video", "audio", "document", "sticker"]),
            "url": address,
            "caption": maybe,
            "filename": maybe,
            "voice": st.booleans(),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("buttons"),
            "header": headers,
            "body": some_text,
            "footer": maybe,
            "buttons": st.lists(st.fixed_dictionaries({"id": short, "title": short}), max_size=4),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("list"),
            "header": headers,
            "body": some_text,
            "footer": maybe,
            "button": short,
            "sections": st.lists(
                st.fixed_dictionaries(
                    {
                        "title": st.none() | short,
                        "rows": st.lists(
                            st.fixed_dictionaries({"id": short, "title": short, "description": st.none() | short}),
                            max_size=6,
                        ),
                    }
                ),
                max_size=3,
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("cta_url"),
            "header": headers,
            "body": some_text,
            "footer": maybe,
            "display_text": short,
            "url": address,
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("form"),
            "header": headers,
            "body": some_text,
            "footer": maybe,
            "cta": short,
            "flow_id": st.just("1"),
            "screen": st.none() | short,
            "action": st.sampled_from([None, "navigate", "data_exchange"]),
            "data": st.sampled_from([None, {}, {"a": 1}]),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("template"),
            "name": short,
            "language": st.sampled_from(["pt_BR", "en", "es"]),
            "header": headers,
            "body": st.lists(short, max_size=3),
            "buttons": st.lists(
                st.fixed_dictionaries(
                    {
                        "index": st.integers(0, 9),
                        "kind": st.sampled_from(["quick_reply", "url", "copy_code"]),
                        "value": short,
                    }
                ),
                max_size=3,
            ),
        }
    ),
)


@settings(max_examples=600, deadline=None)
@given(contents)
def test_what_is_rendered_the_judge_takes(value: dict[str, Any]) -> None:
    try:
        content: OutboundContent = parse_content(value)
        rendered = render(content, TO)
    except (ValidationError, RenderError):
        return
    assert validate_send(rendered.body) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"messaging_product": "x"}, "messaging_product"),
        ({"to": None}, "to: required"),
        ({"to": "Ana"}, "to: must be a phone number"),
        ({"recipient": "12"}, "recipient: must be"),
        ({"type": "hologram"}, "type: is not"),
        ({"text": {"body": "x" * 4097}}, "text.body: must be at most 4096"),
        ({"text": "oi"}, "text: must be an object"),
        ({"text": {"body": "a", "html": True}}, "text.html: unexpected key"),
        ({"image": {"id": "1"}}, "image: unexpected key"),
        ({"biz_opaque_callback_data": "x" * 513}, "biz_opaque_callback_data"),
        ({"context": {"id": "x"}}, "context.id: unexpected key"),
    ],
)
def test_the_judge_names_what_is_wrong(change: dict[str, Any], complaint: str) -> None:
    body = {**render(parse_content({"type": "text", "body": "oi"}), TO).body, **change}
    body = {name: item for name, item in body.items() if item is not None}
    assert any(found.startswith(complaint) for found in validate_send(body)), validate_send(body)


ODD = [None, True, 0, -1, "", "x", [], [None, 1], {}, {"a": []}]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in items for found in places(item, (*path, key)))]


@pytest.mark.parametrize("case", range(len(AT_LIMIT) + 1))
def test_the_judge_never_stumbles(case: int) -> None:
    """Each member of each kind of request replaced by each odd value: an answer, and never an exception."""
    carousel = {
        "type": "carousel",
        "cards": [{"index": i, "components": [{"type": "body", "parameters": [{"value": "a"}]}]} for i in range(2)],
    }
    made = AT_LIMIT[case][0](2) if case < len(AT_LIMIT) else template(components=[carousel])
    body = render(parse_content(made), TO).body
    for path in places(body)[1:]:
        for odd in ODD:
            changed = copy.deepcopy(body)
            holder: Any = changed
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = odd
            assert isinstance(validate_send(changed), list)
    for odd in ODD:
        assert validate_send(odd)


# ---- the border with the engine ---------------------------------------------------------------------------------


def engine_contents() -> list[Any]:
    header = engine_content.ContentHeader(type="image", url="https://example.com/a.jpg")
    return [
        engine_content.TextContent(body="oi", typing_ms=10),
        engine_content.MediaContent(kind="document", media_id="1", caption="c", filename="a.pdf"),
        engine_content.ButtonsContent(
            header=header, body="b", footer="f", buttons=[engine_content.ReplyButton(id="1", title="t")]
        ),
        engine_content.ListContent(
            header=engine_content.ContentHeader(text="h"),
            body="b",
            button="Ver",
            sections=[engine_content.ListSection(rows=[engine_content.ListRow(id="1", title="t")])],
        ),
        engine_content.TemplateContent(
            name="n",
            language="pt_BR",
            header=header,
            body=["a"],
            buttons=[engine_content.TemplateButtonParameter(index=0, kind="url", value="v")],
        ),
        engine_content.LocationContent(latitude=1, longitude=2),
        engine_content.CtaUrlContent(body="b", display_text="d", url="https://example.com"),
        engine_content.ReactionContent(message_external_id="wamid.A", emoji="👍"),
        engine_content.ContactsContent(
            contacts=[
                engine_content.ContactCard(
                    formatted_name="Ana",
                    phones=[engine_content.ContactPhone(phone="+5511", wa_id="5511")],
                    emails=["a@example.com"],
                    organization="PyTake",
                )
            ]
        ),
    ]


@pytest.mark.parametrize("said", engine_contents(), ids=lambda said: said.type)
def test_what_the_engine_says_can_be_sent(said: Any) -> None:
    content = parse_content(said.model_dump(mode="json"))
    assert validate_send(render(content, TO).body) == []
