"""The capability matrix is the product's, and nothing is lost without a rule."""

import pytest

from pytake_app.channels.capabilities import CHANNEL_KINDS, MATRIX, degradations, degrade, option_ids
from pytake_app.channels.content import TextContent, parse_content
from pytake_app.channels.errors import RenderError
from pytake_app.channels.registry import PLATFORMS, platform

# The product's table, row by row, in the order of its columns.
COLUMNS = CHANNEL_KINDS
TABLE = {
    "text": "yyyyyyyyyyyy",
    "image": "yyyyynyyyyyy",
    "video": "yyyyynyyyyyy",
    "audio": "yyyyynnynynn",
    "location": "ynyyynnnnynn",
    "contacts": "ynyynnnnnnnn",
    "buttons": "yqyyynnyyyyn",
    "templates": "ynynyyyyyyyn",
    "delivery_status": "ynysyyyssyss",
    "typing": "yyyyynnynyyn",
}
LETTERS = {"y": {True, "yes", "full"}, "n": {False, "no"}, "q": {"quick_replies"}, "s": {"sent_only"}}

BUTTONS = parse_content(
    {
        "type": "buttons",
        "header": "Título",
        "body": "Quer?",
        "footer": "PyTake",
        "buttons": [{"id": "y", "title": "Sim"}, {"id": "n", "title": "Não"}],
    }
)
LIST = parse_content(
    {
        "type": "list",
        "body": "Escolha",
        "button": "Ver",
        "sections": [
            {"title": "A", "rows": [{"id": "1", "title": "Um", "description": "primeiro"}]},
            {"title": "B", "rows": [{"id": "2", "title": "Dois"}]},
        ],
    }
)


@pytest.mark.parametrize("row", TABLE)
def test_matrix_is_the_products(row: str) -> None:
    assert len(TABLE[row]) == len(COLUMNS)
    for kind, letter in zip(COLUMNS, TABLE[row], strict=True):
        assert getattr(MATRIX[kind], row) in LETTERS[letter], (row, kind)


def test_buttons_and_lists_become_numbered_lists() -> None:
    assert degrade(BUTTONS, MATRIX["sms"]) == [TextContent(body="Título\n\nQuer?\n\n1. Sim\n2. Não\n\nPyTake")]
    assert option_ids(BUTTONS) == ["y", "n"]
    assert degrade(LIST, MATRIX["telegram"]) == [TextContent(body="Escolha\n\nA\n1. Um - primeiro\nB\n2. Dois")]
    assert option_ids(LIST) == ["1", "2"]
    assert degradations(BUTTONS, MATRIX["sms"]) == ["buttons_as_numbers"]


def test_media_become_links_and_ids_cannot() -> None:
    image = parse_content({"type": "media", "kind": "image", "url": "https://example.com/a.jpg", "caption": "foto"})
    assert degrade(image, MATRIX["sms"]) == [TextContent(body="foto\n\nhttps://example.com/a.jpg")]
    assert degradations(image, MATRIX["sms"]) == ["media_as_link"]
    stored = parse_content({"type": "media", "kind": "image", "media_id": "1"})
    with pytest.raises(RenderError):
        degrade(stored, MATRIX["sms"])
    assert degradations(stored, MATRIX["sms"]) == ["media_unsupported"]


def test_typing_is_dropped_and_reactions_vanish() -> None:
    text = TextContent(body="oi", typing_ms=500)
    assert degrade(text, MATRIX["sms"]) == [TextContent(body="oi")]
    assert degrade(text, MATRIX["whatsapp"]) == [text]
    reaction = parse_content({"type": "reaction", "message_external_id": "1", "emoji": "👍"})
    assert degrade(reaction, MATRIX["sms"]) == []
    assert degradations(reaction, MATRIX["sms"]) == ["reaction_dropped"]


@pytest.mark.parametrize("content", [BUTTONS, LIST], ids=["buttons", "list"])
def test_whatsapp_shows_them_itself(content: object) -> None:
    assert degrade(content, MATRIX["whatsapp"]) == [content]  # type: ignore[arg-type]
    assert degradations(content, MATRIX["whatsapp"]) == []  # type: ignore[arg-type]


def test_registry_is_by_kind() -> None:
    for kind, adapter in PLATFORMS.items():
        assert adapter.kind == kind
        assert adapter.capabilities == MATRIX[kind]  # type: ignore[index]
    with pytest.raises(KeyError):
        platform("fax")
