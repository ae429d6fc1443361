"""Language models of any OpenAI-compatible provider (settings OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import structlog

from pytake_app.config import Settings
from pytake_app.engine.requests import AiRequest, AiResult

if TYPE_CHECKING:
    from openai import AsyncOpenAI

log = structlog.get_logger(__name__)

_UNKEYED = "none"
"""Local providers need no key, but the client wants one."""


def available(settings: Settings) -> bool:
    """Whether a provider is configured."""
    return bool(settings.openai_api_key.get_secret_value() or settings.openai_base_url)


class AiCaller:
    """Performs `AiRequest`s.

    Parameters:
        settings: name the provider, its key and its default model.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: AsyncOpenAI | None = None
        if available(settings):
            # A fifth of a role's start, and most installations never ask a model.
            from openai import AsyncOpenAI

            self._client = AsyncOpenAI(
                api_key=settings.openai_api_key.get_secret_value() or _UNKEYED,
                base_url=settings.openai_base_url or None,
                max_retries=0,
            )

    async def aclose(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.close()

    async def perform(self, request: AiRequest) -> AiResult:
        """Ask the model. Never raises for what the provider can do."""
        if self._client is None:
            return AiResult(error="not_configured")
        import openai

        began = time.monotonic()
        model = request.model or self._settings.openai_model
        try:
            result = await self._asked(self._client.with_options(max_retries=request.retries), request, model)
        except openai.APITimeoutError:
            result = AiResult(error="timeout", model=model)
        except openai.APIConnectionError:
            result = AiResult(error="connection", model=model)
        except openai.APIStatusError as error:
            # The body of a refusal may repeat the prompt: only its code is kept.
            result = AiResult(error=f"status_{error.status_code}", model=model)
        except openai.OpenAIError as error:
            log.warning("model_answer_unreadable", error=type(error).__name__)
            result = AiResult(error="invalid_answer", model=model)
        return result.model_copy(update={"duration_ms": int((time.monotonic() - began) * 1000)})

    async def _asked(self, client: AsyncOpenAI, request: AiRequest, model: str) -> AiResult:
        import openai

        messages: Any = [{"role": message.role, "content": message.text} for message in request.messages]
        options: dict[str, Any] = {}
        if request.json_schema is not None:
            schema = {"name": "answer", "strict": True, "schema": request.json_schema}
            options["response_format"] = {"type": "json_schema", "json_schema": schema}
        asked: dict[str, Any] = {
            "model": model, "messages": messages, "temperature": request.temperature,
            "max_tokens": request.max_tokens, "timeout": request.timeout_seconds,
        }  # fmt: skip
        try:
            answer = await client.chat.completions.create(**asked, **options)
        except openai.BadRequestError:
            if not options:
                raise
            # Not every provider knows schemas; the instructions ask for JSON as well, and the answer is checked.
            answer = await client.chat.completions.create(**asked)
        usage = answer.usage
        read, written = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
        text = answer.choices[0].message.content if answer.choices else None
        return AiResult(
            text=(text or "")[:40_000],
            model=model,
            input_tokens=read,
            output_tokens=written,
            cost=self._cost(model, read, written),
        )

    def _cost(self, model: str, read: int, written: int) -> float | None:
        prices = self._settings.openai_prices.get(model)
        return (read * prices[0] + written * prices[1]) / 1_000_000 if prices else None
