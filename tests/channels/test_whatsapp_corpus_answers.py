"""Graph's answers of the corpus, given to the client by an injected transport."""

import httpx
import pytest

from pytake_app.channels.base import AccountCredentials, OutboundRequest
from pytake_app.channels.errors import SendError, SendErrorKind
from pytake_app.channels.whatsapp.client import WhatsAppClient
from tests.channels import corpus
from tests.channels.corpus import Payload, payloads

ANSWERS = payloads("whatsapp", "outbound_response")
needs_corpus = pytest.mark.skipif(not ANSWERS, reason="no corpus beside the checkout (PYTAKE_CORPUS)")
ACCOUNT = AccountCredentials("1906385232743451", "token", business_account_id="1")
MEDIA = {"media_url", "response_media"}
NUMBERS = {"phone_number", "response_phone_numbers"}


def client(body: bytes) -> WhatsAppClient:
    return WhatsAppClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=body)))


@needs_corpus
@pytest.mark.parametrize("payload", ANSWERS, ids=str)
async def test_understands_answers(payload: Payload) -> None:
    corpus.tried("outbound_response")
    expected = payload.expected
    async with client(payload.body) as graph:
        if payload.type in MEDIA:
            media = await graph.media_url(ACCOUNT, expected["id"])
            document = payload.json
            assert (media.url, media.mime_type, media.sha256) == (
                document["url"],
                document["mime_type"],
                document["sha256"],
            )
            assert media.size == int(document["file_size"])
            return
        if payload.type in NUMBERS:
            number = await graph.verify_number(ACCOUNT)
            assert number.id == expected["id"]
            assert number.verified_name == payload.json["verified_name"]
            return
        request = OutboundRequest("messages", {})
        if "external_ids" not in expected:
            # Answers to other calls, and of other providers: no id of a message is ever taken from them.
            corpus.excluded(
                payload, "answers to management calls or of other providers: never taken for a sent message"
            )
            with pytest.raises(SendError) as caught:
                await graph.send(ACCOUNT, request)
            assert caught.value.kind is SendErrorKind.UNSURE
            return
        result = await graph.send(ACCOUNT, request)
    assert [result.external_id] == expected["external_ids"]
    assert result.recipient == next(iter(expected.get("wa_ids", [])), None)
    assert result.recipient_bsuid == next(iter(expected.get("user_ids", [])), None)
    if "message_status" in expected:
        assert [result.message_status] == expected["message_status"]
