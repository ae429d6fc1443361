"""What every channel adapter must hold. A channel's test module makes a subclass of :class:`AdapterContract` with its
own examples; pytest then runs these tests for it."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytake_app.channels.base import MessagingPlatform, ParsedWebhook, Recipient
from pytake_app.channels.capabilities import CHANNEL_KINDS, MATRIX, degrade
from pytake_app.channels.content import OutboundContent, TextContent, parse_content
from pytake_app.channels.errors import MalformedBody, RenderError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=25,
)


def one_of_each_content() -> list[OutboundContent]:
    """One of each content a flow can send without an approved template or form."""
    header = {"type": "text", "text": "Título"}
    return [
        parse_content(value)
        for value in (
            {"type": "text", "body": "Olá", "preview_url": True, "typing_ms": 500},
            {"type": "media", "kind": "image", "url": "https://example.com/a.jpg", "caption": "foto"},
            {"type": "media", "kind": "document", "url": "https://example.com/a.pdf", "filename": "a.pdf"},
            {
                "type": "buttons",
                "header": header,
                "body": "Quer?",
                "footer": "PyTake",
                "buttons": [{"id": "y", "title": "Sim"}, {"id": "n", "title": "Não"}],
            },
            {
                "type": "list",
                "body": "Escolha",
                "button": "Ver",
                "sections": [{"title": "A", "rows": [{"id": "1", "title": "Um", "description": "primeiro"}]}],
            },
            {"type": "cta_url", "body": "Veja", "display_text": "Abrir", "url": "https://example.com"},
            {"type": "location", "latitude": -23.55, "longitude": -46.63, "name": "São Paulo"},
            {"type": "location_request", "body": "Onde você está?"},
            {"type": "contacts", "contacts": [{"formatted_name": "Ana", "phones": [{"phone": "+5511"}]}]},
            {"type": "reaction", "message_external_id": "wamid.X", "emoji": "👍"},
        )
    ]


class AdapterContract(ABC):
    """Subclass it as ``TestXxxContract`` and fill in the examples."""

    platform: MessagingPlatform
    recipient = Recipient(external_id="5511987650001")

    @abstractmethod
    def inbound_example(self) -> tuple[bytes, str]:
        """A delivery with one text message, and that text."""

    @abstractmethod
    def signed(self, body: bytes, secret: str) -> Mapping[str, str]:
        """Headers that sign ``body``."""

    def contents(self) -> list[OutboundContent]:
        """What the adapter must render as far as its capabilities promise."""
        return one_of_each_content()

    def test_is_a_known_channel(self) -> None:
        assert self.platform.kind in CHANNEL_KINDS
        assert self.platform.capabilities == MATRIX[self.platform.kind]  # type: ignore[index]

    def test_reads_its_example(self) -> None:
        body, text = self.inbound_example()
        parsed = self.platform.parse(body)
        assert [message.text for message in parsed.messages] == [text]
        message = parsed.messages[0]
        assert message.external_id
        assert message.sender.contact_key
        assert message.at is not None
        assert message.at.tzinfo is not None
        assert message.automates

    def test_reading_is_a_function_of_the_body_alone(self) -> None:
        body, _ = self.inbound_example()
        assert self.platform.parse(body) == self.platform.parse(body)
        assert self.platform.parse(orjson.loads(body)) == self.platform.parse(body)

    def test_refuses_what_is_not_its_format(self) -> None:
        for body in (b"", b"{", b"\xff\xfe", b"nonsense", b'{"a": NaN}', b"[" * 100_000):
            with pytest.raises(MalformedBody):
                self.platform.parse(body)

    def test_a_signature_holds_for_its_body_and_secret_only(self) -> None:
        body, _ = self.inbound_example()
        headers = self.signed(body, "secret")
        assert self.platform.verify_signature(body, headers, ["secret"])
        assert self.platform.verify_signature(body, headers, ["older", "secret"])
        assert self.platform.verify_signature(
            body, {name.upper(): value for name, value in headers.items()}, ["secret"]
        )
        assert not self.platform.verify_signature(body + b" ", headers, ["secret"])
        assert not self.platform.verify_signature(body, headers, ["other", ""])
        assert not self.platform.verify_signature(body, headers, [])
        assert not self.platform.verify_signature(body, {}, ["secret"])

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
    @given(value=json_values)
    def test_reads_any_json(self, value: Any) -> None:
        parsed = self.platform.parse(json.dumps(value).encode())
        assert isinstance(parsed, ParsedWebhook)
        assert not parsed.messages

    def test_renders_what_its_capabilities_promise(self) -> None:
        for content in self.contents():
            for shown in degrade(content, self.platform.capabilities):
                request = self.platform.render(shown, self.recipient)
                assert orjson.dumps(request.body), content.type

    def test_rendering_leaves_the_content_alone_and_repeats(self) -> None:
        for content in self.contents():
            before = content.model_dump_json()
            with suppress(RenderError):
                first = self.platform.render(content, self.recipient)
                assert self.platform.render(content, self.recipient) == first
            assert content.model_dump_json() == before

    def test_refuses_an_empty_text_and_no_recipient(self) -> None:
        with pytest.raises(RenderError) as empty:
            self.platform.render(TextContent(body="  "), self.recipient)
        assert (empty.value.field, empty.value.code) == ("body", "required")
        with pytest.raises(RenderError):
            self.platform.render(TextContent(body="Olá"), Recipient())
