"""Servers as they document themselves: each refuses a request in its own words, or answers.

A server is a function of the request that `LLMServer.default` takes. The refusals are those of the
servers' documentation and of public reports; what is answered is given by the caller.
"""

import json
from collections.abc import Callable
from dataclasses import replace

from tests.support.llm_server import Raw, Reply, Request, Status, Stream, Text, event

Answer = Callable[[Request], Text]
Server = Callable[[Answer], Callable[[Request], Reply]]


def _json(status: int, body: object) -> Raw:
    return Raw(json.dumps(body).encode(), status)


def openai(answer: Answer) -> Callable[[Request], Reply]:
    """A reasoning model: other name of the limit, no temperature, and no streams for an
    organization that is not verified."""

    def serve(request: Request) -> Reply:
        if "max_tokens" in request.body:
            return Status(
                400,
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
                " 'max_completion_tokens' instead.",
                code="unsupported_parameter",
            )
        if "temperature" in request.body:
            return Status(400, "Unsupported value: 'temperature' does not support 0.")
        if request.body["stream"]:
            text = "Your organization must be verified to stream this model."
            return Status(400, text, code="unsupported_value")
        return answer(request)

    return serve


def azure(answer: Answer) -> Callable[[Request], Reply]:
    """An API version from before structured output and token counts in streams. What its filter
    thinks of the prompt comes before the answer."""

    def serve(request: Request) -> Reply:
        if "stream_options" in request.body:
            return Status(400, "Unrecognized request argument supplied: stream_options")
        if request.response_format == "json_schema":
            text = "response_format json_schema is enabled only for api versions 2024-08-01"
            return Status(400, text, code="BadRequest")
        filtered = {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
        return Stream([event(filtered), *answer(request).events()])

    return serve


def openrouter(answer: Answer) -> Callable[[Request], Reply]:
    """Its provider fails twice: before the answer, which is told with a 200, and within it. It
    keeps the connection alive by comments."""
    asked: list[Request] = []

    def serve(request: Request) -> Reply:
        asked.append(request)
        error = {"error": {"code": 502, "message": "Provider returned error"}}
        if len(asked) == 1:
            return _json(200, error)
        alive = [b": OPENROUTER PROCESSING\n\n"] * 3
        events = answer(request).events(counts=True)
        if len(asked) == 2:
            broken = {**error, "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]}
            return Stream([*alive, *events[:2], event(broken)])
        return Stream([*alive, *events[:2], *alive, *events[2:]])

    return serve


def litellm(answer: Answer) -> Callable[[Request], Reply]:
    """In front of a model whose template has no system role."""

    def serve(request: Request) -> Reply:
        if request.messages[0]["role"] == "system":
            text = "litellm.BadRequestError: VertexAI: system role not supported by this model"
            return Status(400, text)
        return answer(request)

    return serve


def vllm(answer: Answer) -> Callable[[Request], Reply]:
    """A model with a template for two roles that alternate, and a context of 16,000 tokens."""

    def serve(request: Request) -> Reply:
        if request.messages[0]["role"] == "system":
            text = "Conversation roles must alternate user/assistant/user/assistant/..."
            return _json(400, {"object": "error", "message": text, "code": 400})
        if request.body.get("max_tokens", 0) > 7000:
            text = (
                "'max_tokens' or 'max_completion_tokens' is too large: 8000. This model's maximum"
                " context length is 16000 tokens and your request has 9000 input tokens"
                " (8000 > 16000 - 9000)."
            )
            return _json(400, {"object": "error", "message": text, "code": 400})
        return answer(request)

    return serve


def llama_cpp(answer: Answer) -> Callable[[Request], Reply]:
    """A grammar that it cannot make of the schema is a 500. The events of its streams are one
    line apart, in Windows's line ends."""

    def serve(request: Request) -> Reply:
        if request.response_format == "json_schema":
            error = {"code": 500, "message": "failed to parse grammar", "type": "server_error"}
            return _json(500, {"error": error})
        return Stream([each.replace(b"\n\n", b"\r\n") for each in answer(request).events()])

    return serve


def ollama(answer: Answer) -> Callable[[Request], Reply]:
    """Thoughts before the answer; streams unless it is told not to, and counts nothing there."""

    def serve(request: Request) -> Reply:
        said = answer(request)
        said = replace(said, content=f"Let me see.\n</think>\n\n{said.content}")
        return said if request.body.get("stream") is False else Stream(said.events())

    return serve


def streaming(answer: Answer) -> Callable[[Request], Reply]:
    """Streams whatever it is told, as JSON by its type."""

    def serve(request: Request) -> Reply:
        return Raw(b"".join(answer(request).events()))

    return serve


def gemini(answer: Answer) -> Callable[[Request], Reply]:
    """A Gemma model behind the compatible endpoint, whose errors come in a list."""

    def serve(request: Request) -> Reply:
        if request.messages[0]["role"] == "system":
            text = "Developer instruction is not enabled for models/gemma-3-27b-it"
            error = {"code": 400, "message": text, "status": "INVALID_ARGUMENT"}
            return _json(400, [{"error": error}])
        return answer(request)

    return serve


def anthropic(answer: Answer) -> Callable[[Request], Reply]:
    """A short answer at most, and no response_format."""

    def serve(request: Request) -> Reply:
        if request.body.get("max_tokens", 0) > 4096:
            text = "max_tokens: 8000 > 4096, which is the maximum allowed number of output tokens"
            return _json(400, {"error": {"type": "invalid_request_error", "message": text}})
        return answer(request)

    return serve


def deepseek(answer: Answer) -> Callable[[Request], Reply]:
    """JSON objects alone; keeps the connection alive by blank lines and comments, and its
    reasoner leaves the content empty at times."""

    def serve(request: Request) -> Reply:
        if request.response_format == "json_schema":
            return Status(400, "This response_format type is unavailable now")
        delta = {"content": None, "reasoning_content": answer(request).content}
        chunk = {"choices": [{"delta": delta, "finish_reason": ""}]}
        end = {"choices": [{"delta": {"content": ""}, "finish_reason": "stop"}]}
        return Stream([b"\n\n", b": keep-alive\n\n", event(chunk), event(end)])

    return serve


def mistral(answer: Answer) -> Callable[[Request], Reply]:
    """Strict about what it knows, and its thoughts are parts of the content."""

    def serve(request: Request) -> Reply:
        if request.response_format == "json_schema":
            detail = [
                {"type": "extra_forbidden", "loc": ["body", "response_format"], "msg": "Extra"}
            ]
            return _json(422, {"object": "error", "message": {"detail": detail}})
        if "stream_options" in request.body:
            loc = ["body", "stream_options"]
            detail = [{"type": "extra_forbidden", "loc": loc, "msg": "Extra inputs"}]
            return _json(422, {"object": "error", "message": {"detail": detail}})
        thought = {"type": "thinking", "thinking": [{"type": "text", "text": "{hm}"}]}
        content = [thought, {"type": "text", "text": answer(request).content}]
        choice = {"delta": {"content": content}, "finish_reason": 0}
        return Stream([event({"choices": [choice], "usage": {"prompt_tokens": 100.5}})])

    return serve


SERVERS: dict[str, Server] = {
    server.__name__: server
    for server in (
        openai,
        azure,
        openrouter,
        litellm,
        vllm,
        llama_cpp,
        ollama,
        streaming,
        gemini,
        anthropic,
        deepseek,
        mistral,
    )
}
