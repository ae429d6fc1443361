"""The language model client against a loopback provider."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from pytake_app.config import Settings
from pytake_app.engine.requests import AiMessage, AiRequest
from pytake_app.outgoing.ai import AiCaller, available
from tests.support.echo_server import EchoServer, Reply

ASK = AiRequest(messages=[AiMessage(role="system", text="be brief"), AiMessage(role="user", text="oi")], retries=1)


def answer(text: str) -> Reply:
    body = {
        "id": "c", "object": "chat.completion", "created": 1, "model": "local",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
    }  # fmt: skip
    return Reply(body=json.dumps(body), headers={"Content-Type": "application/json"})


def refusal(status: int) -> Reply:
    return Reply(status=status, body='{"error": {"message": "oi"}}', headers={"Content-Type": "application/json"})


@pytest_asyncio.fixture
async def server() -> AsyncIterator[EchoServer]:
    async with EchoServer() as made:
        yield made


def caller_for(server: EchoServer, **values: Any) -> AiCaller:
    prices = {"local": (2.0, 10.0)}
    settings = Settings(
        openai_base_url=f"{server.url}/v1", openai_api_key="key-1", openai_model="local", openai_prices=prices, **values
    )
    return AiCaller(settings)


async def test_an_answer_with_tokens_and_cost(server: EchoServer) -> None:
    server.plan(answer("Olá!"))
    caller = caller_for(server)
    result = await caller.perform(ASK)
    assert (result.text, result.error, result.model) == ("Olá!", None, "local")
    assert (result.input_tokens, result.output_tokens, result.cost) == (1000, 500, 0.007)
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.headers["authorization"]) == ("POST", "/v1/chat/completions", "Bearer key-1")
    asked = json.loads(seen.body)
    assert asked["model"] == "local"
    assert asked["messages"] == [{"role": "system", "content": "be brief"}, {"role": "user", "content": "oi"}]
    assert not asked.get("stream")
    await caller.aclose()


async def test_a_busy_provider_is_asked_again_and_a_refusal_is_an_error(server: EchoServer) -> None:
    caller = caller_for(server)
    server.plan(refusal(503), answer("ok"))
    assert (await caller.perform(ASK)).text == "ok"
    server.plan(refusal(401))
    assert (await caller.perform(ASK)).error == "status_401"
    await caller.aclose()


async def test_a_provider_that_knows_no_schemas_is_asked_without(server: EchoServer) -> None:
    caller = caller_for(server)
    server.plan(refusal(400), answer('{"intent": "a"}'))
    schema: dict[str, Any] = {"type": "object", "properties": {"intent": {"type": "string"}}}
    result = await caller.perform(ASK.model_copy(update={"json_schema": schema}))
    assert result.text == '{"intent": "a"}'
    assert ["response_format" in json.loads(s.body) for s in server.seen] == [True, False]
    await caller.aclose()


async def test_silence_is_a_timeout(server: EchoServer) -> None:
    caller = caller_for(server)
    server.default = Reply(delay=5)
    result = await caller.perform(ASK.model_copy(update={"timeout_seconds": 0.2, "retries": 0}))
    assert result.error == "timeout"
    await caller.aclose()


async def test_without_a_provider() -> None:
    settings = Settings()
    assert not available(settings)
    assert (await AiCaller(settings).perform(ASK)).error == "not_configured"
