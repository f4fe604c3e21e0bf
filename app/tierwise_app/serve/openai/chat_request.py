"""What a chat completion is asked with: which fields are obeyed, which have no effect, which are refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from tierwise import Sampling
from tierwise.runtime import AskOptions
from tierwise_app.serve.openai.messages import ChatMessage, conversation_of, said_in
from tierwise_app.serve.openai.options import Extension, Wanted, read_options
from tierwise_app.serve.openai.tools import (
    ANY_OBJECT,
    MOST_TOOLS,
    Function,
    JsonSchema,
    caller_tool,
    checked_tools,
    form_schema,
    read_choice,
)
from tierwise_app.serve.problems import Problem

_MOST_TOKENS = 1_000_000  # no tier writes more; a tier's own bound is smaller
_SEED = 2**63
_USE_TOOLS = "Use tools and tool_choice."
# What would change the meaning of the request, and is not done: better no answer than another one.
_REFUSED = {
    "functions": _USE_TOOLS,
    "function_call": _USE_TOOLS,
    "audio": "Ask for text.",
    "web_search_options": "Leave it out; tools of the server may search.",
    "documents": "Name documents in tierwise.collection or tierwise.document.",
    "grammar": "Use response_format with a json_schema.",
    "json_schema": "Use response_format with a json_schema.",
    "structured_outputs": "Use response_format with a json_schema.",
    "mm_processor_kwargs": "Leave it out.",
    "continue_final_message": "End with a message of the user.",
    "echo": "Leave it out.",
    "logprobs": "Leave it out: the tiers' probabilities are not given away.",
    "top_logprobs": "Leave it out: the tiers' probabilities are not given away.",
}
_NAMED_SO = {"template": "Messages are put into a model's own template.", "guided_": "Use response_format."}
_HARMLESS: dict[str, Any] = {"modalities": ["text"], "best_of": 1}
_MOST_NAMED = 40


class StreamOptions(BaseModel):
    """How a stream ends."""

    model_config = ConfigDict(extra="allow", strict=True)

    include_usage: bool | None = Field(None, description="One more chunk at the end, with the tokens of the turn.")


class ChatTool(BaseModel):
    """A tool of the caller."""

    model_config = ConfigDict(extra="allow", strict=True)

    type: Literal["function"]
    function: Function


class ResponseFormat(BaseModel):
    """The form of the answer's text: ``text``, any JSON object, or JSON by a schema."""

    model_config = ConfigDict(extra="allow", strict=True)

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class ChatRequest(BaseModel):
    """A chat completion to be made. Fields that are not listed have no effect, or are refused with 400."""

    model_config = ConfigDict(
        extra="allow",
        strict=True,
        json_schema_extra={
            "examples": [{"model": "auto", "messages": [{"role": "user", "content": "What is the capital of France?"}]}]
        },
    )

    model: str | None = Field(None, description="`auto`, `quick`, `deep` or a tier's name: see `/v1/models`.")
    messages: list[ChatMessage] = Field(description="The conversation, oldest first. The last user's is the question.")
    stream: bool | None = Field(None, description="Answer with server-sent events.")
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1, description="Of an older API; `max_completion_tokens` goes before it.")
    max_completion_tokens: int | None = Field(None, ge=1, description="Never more than the tier's own bound.")
    stop: str | list[str] | None = Field(None, description="At most 16 texts of at most 256 characters.")
    seed: int | None = Field(None, ge=-_SEED, lt=_SEED)
    tools: list[ChatTool] | None = Field(None, max_length=MOST_TOOLS)
    tool_choice: str | dict[str, Any] | None = Field(
        None, description="`none`, `auto`, `required`, a function by name, or `allowed_tools`."
    )
    parallel_tool_calls: bool | None = Field(None, description="`false`: one call at a time.")
    response_format: ResponseFormat | None = None
    n: int | None = Field(None, ge=1, le=1, description="There is one answer.")
    tierwise: Extension | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A request as it is worked on.

    Attributes:
        question: what is asked.
        wanted: what the SDK is told; options complete.
        ignored: fields without effect.
        stream: answer with events.
        usage: with usage at the end of them.
        form: the field that a schema is in, ``None`` if the text is free.
    """

    question: str
    wanted: Wanted
    ignored: tuple[str, ...]
    stream: bool
    usage: bool
    form: str | None


def read_chat(request: Request, body: ChatRequest) -> Read:
    """Read a request.

    Raises:
        Problem: for what cannot be done as it is meant.
    """
    ignored = _ignored(body)
    wanted = read_options(request, body.model, body.tierwise)
    listed = [caller_tool(tool.function, f"tools[{n}].function") for n, tool in enumerate(body.tools or ())]
    must_call, tools = read_choice(body.tool_choice, checked_tools(listed))
    question, conversation = conversation_of(
        said_in(body.messages), tools=tools, must_call=must_call, one_call=body.parallel_tool_calls is False
    )
    if wanted.thread is not None:  # the thread knows what was said
        conversation = replace(conversation, earlier=None)
    schema, form = _schema(body.response_format)
    more: AskOptions = {"conversation": conversation, "sampling": _sampling(body), "schema": schema}
    wanted = replace(wanted, options={**wanted.options, **more})
    options = body.stream_options
    return Read(
        question=question,
        wanted=wanted,
        ignored=ignored,
        stream=bool(body.stream),
        usage=bool(options and options.include_usage),
        form=form,
    )


def _sampling(body: ChatRequest) -> Sampling | None:
    given = [body.stop] if isinstance(body.stop, str) else body.stop or []
    if len(given) > 16 or any(len(text) > 256 for text in given):
        raise Problem(400, "invalid_value", "stop has at most 16 texts of at most 256 characters.", param="stop")
    most = body.max_completion_tokens or body.max_tokens
    sampling = Sampling(
        temperature=body.temperature,
        max_tokens=None if most is None else min(most, _MOST_TOKENS),
        stop=tuple(text for text in given if text),
        seed=body.seed,
    )
    return None if sampling == Sampling() else sampling


def _schema(form: ResponseFormat | None) -> tuple[dict[str, Any] | None, str | None]:
    if form is None or form.type == "text":
        return None, None
    if form.type == "json_object":
        return ANY_OBJECT, "response_format"
    if form.json_schema is None:
        text = "response_format is a json_schema without one."
        raise Problem(400, "invalid_schema", text, param="response_format.json_schema")
    place = "response_format.json_schema.schema"
    return form_schema(form.json_schema, place), place


def _ignored(body: ChatRequest) -> tuple[str, ...]:
    """The fields without effect.

    Raises:
        Problem: 400 for those that would have changed what is meant.
    """
    ignored = []
    for name, value in (body.model_extra or {}).items():
        if value is None or value == _HARMLESS.get(name):
            continue
        fix = _REFUSED.get(name) or next((text for part, text in _NAMED_SO.items() if part in name), None)
        if name in _HARMLESS:
            fix = "Leave it out."
        if fix is None:
            ignored.append(name)
        elif value is not False and value not in (0, "", [], {}):
            raise Problem(400, "unsupported_parameter", f"{name[:80]} is not supported.", fix=fix, param=name[:80])
    if body.stream_options is not None and not body.stream:
        ignored.append("stream_options")
    if any(message.name for message in body.messages):
        ignored.append("messages.name")
    return tuple(sorted(name[:64] for name in ignored)[:_MOST_NAMED])
