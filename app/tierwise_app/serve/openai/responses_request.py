"""The request for a response: which fields are obeyed, which are without effect, which are refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tierwise import CallerTool, Sampling
from tierwise_app.serve.openai.options import Extension
from tierwise_app.serve.openai.tools import (
    ANY_OBJECT,
    MOST_TOOLS,
    Function,
    JsonSchema,
    caller_tool,
    checked_tools,
    form_schema,
)
from tierwise_app.serve.problems import Problem

_KEPT_PAIRS = 16  # of metadata
_MOST_TOKENS = 1_000_000  # no tier writes more; a tier's own bound is smaller
_MOST_NAMED = 40
_FORM, _OTHER_API = "Use text.format with a json_schema.", "POST /v1/chat/completions has it."
_UNTOLD = "Leave it out: the tiers' probabilities are not given away."
# What would change the meaning of the request, and is not done: better no answer than another one.
_REFUSED = {
    "conversation": "Use previous_response_id, or name a thread in tierwise.thread.",
    "prompt": "Send instructions and input.",
    "background": "Use POST /v1/turns with background: true.",
    "top_logprobs": _UNTOLD,
    "logprobs": _UNTOLD,
    "messages": "Send input.",
    "max_tokens": "Use max_output_tokens.",
    "max_completion_tokens": "Use max_output_tokens.",
    "response_format": _FORM,
    "grammar": _FORM,
    "structured_outputs": _FORM,
    "stop": _OTHER_API,
    "functions": "Use tools.",
    "documents": "Name documents in tierwise.collection or tierwise.document.",
    "mm_processor_kwargs": "Leave it out.",
}
_NAMED_SO = {"template": "Messages are put into a model's own template.", "guided_": _FORM}
# Values of fields without effect that say what is done anyway.
_AS_IS: dict[str, tuple[Any, ...]] = {
    "truncation": ("auto",),
    "top_p": (1,),
    "include": ([],),
}


class Form(JsonSchema):
    """The form of the answer: ``text``, ``json_object``, or ``json_schema`` with a ``schema``."""

    type: Literal["text", "json_object", "json_schema"] = "text"


class TextOptions(BaseModel):
    """How the answer is written."""

    model_config = ConfigDict(extra="allow", strict=True)

    format: Form | None = None


class ResponsesRequest(BaseModel):
    """A request for a response. Fields that are not named here have no effect; ``X-Tierwise-Ignored`` names them."""

    model_config = ConfigDict(
        extra="allow",
        strict=True,
        json_schema_extra={"examples": [{"model": "auto", "input": "How long is the warranty?"}]},
    )

    model: str | None = Field(None, description="One of `/v1/models`; `auto` lets the router choose.")
    input: str | list[Any] = Field(description="A question, or items: messages, calls and their results.")
    instructions: str | None = Field(None, description="What the model is told to do, in place of the server's words.")
    previous_response_id: str | None = Field(
        None, max_length=256, description="The response whose conversation goes on."
    )
    stream: bool | None = None
    store: bool | None = Field(None, description="`false`: no later request may go on from this response.")
    temperature: float | None = Field(None, ge=0, le=2)
    max_output_tokens: int | None = Field(None, ge=1)
    tools: list[dict[str, Any]] | None = Field(
        None, max_length=MOST_TOOLS, description="Functions that the caller runs."
    )
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: TextOptions | None = None
    metadata: dict[str, str] | None = Field(None, description="Up to 16 texts, which come back.")
    tierwise: Extension | None = Field(None, description="What tierwise is told beside.")

    @property
    def form(self) -> Form | None:
        """The form that was asked for."""
        return None if self.text is None else self.text.format

    @property
    def schema_wanted(self) -> dict[str, Any] | None:
        """The JSON Schema that the answer has to fit, ``None`` for a text.

        Raises:
            Problem: 400 if a ``json_schema`` has none.
        """
        form = self.form
        if form is None or form.type == "text":
            return None
        return ANY_OBJECT if form.type == "json_object" else form_schema(form, "text.format.schema")

    @property
    def sampling(self) -> Sampling:
        """How the words are chosen."""
        most = self.max_output_tokens
        return Sampling(self.temperature, None if most is None else min(most, _MOST_TOKENS))

    def echo(self) -> dict[str, Any]:
        """The fields that come back in the response."""
        form = self.form
        return {
            "instructions": self.instructions,
            "max_output_tokens": self.max_output_tokens,
            "metadata": self.metadata or {},
            "parallel_tool_calls": self.parallel_tool_calls is not False,
            "previous_response_id": self.previous_response_id,
            "store": self.store is not False,
            "temperature": self.temperature,
            "text": {"format": {"type": "text"} if form is None else form.model_dump(exclude_none=True)},
            "tool_choice": "auto" if self.tool_choice is None else self.tool_choice,
            "tools": [{"strict": None, "parameters": None, **tool} for tool in self.tools or ()],
        }


def refuse(body: ResponsesRequest) -> None:
    """Refuse what would change the answer and cannot be done.

    Raises:
        Problem: 400, naming the field.
    """
    for name, value in (body.model_extra or {}).items():
        fix = _REFUSED.get(name) or next((text for part, text in _NAMED_SO.items() if part in name), None)
        if fix is not None and value not in (None, False, 0, "", [], {}):
            raise _unsupported(f"{name[:80]} is not supported.", fix, name[:80])
    include = (body.model_extra or {}).get("include")
    if isinstance(include, list) and "message.output_text.logprobs" in include:
        raise _unsupported("Probabilities of tokens are not told.", _UNTOLD, "include")
    pairs = body.metadata or {}
    if len(pairs) > _KEPT_PAIRS or any(len(key) > 64 or len(value) > 512 for key, value in pairs.items()):
        text = "metadata holds up to 16 texts of up to 512 characters, under names of up to 64."
        raise Problem(400, "invalid_value", text, param="metadata")


def ignored(body: ResponsesRequest, *, reasoned: bool) -> list[str]:
    """The fields of the request that have no effect.

    Args:
        body: the request.
        reasoned: its input has reasoning items.
    """
    more = (body.model_extra or {}).items()
    named = [name for name, value in more if not (value is None or name in _REFUSED or value in _AS_IS.get(name, ()))]
    if body.text is not None and (body.text.model_extra or {}).get("verbosity") is not None:
        named.append("text.verbosity")
    if reasoned:
        named.append("input.reasoning")
    return sorted(name[:64] for name in named)[:_MOST_NAMED]


def read_tools(tools: Sequence[dict[str, Any]]) -> tuple[CallerTool, ...]:
    """The caller's tools.

    Raises:
        Problem: 400 for tools that would run elsewhere, or cannot be kept.
    """
    read = list[CallerTool]()
    for place, tool in enumerate(tools):
        where = f"tools[{place}]"
        if (kind := tool.get("type")) != "function":
            raise _unsupported(
                f"Tools of the type {repr(kind)[:60]} are not run here.",
                "Use functions of your own; this server's own tools are offered to models without being named.",
                f"{where}.type",
            )
        try:
            read.append(caller_tool(Function.model_validate(tool), where))
        except ValidationError as error:
            first = error.errors()[0]
            param = ".".join((where, *map(str, first["loc"])))
            raise Problem(400, "invalid_tools", f"A tool cannot be read: {first['msg']}.", param=param) from None
    return checked_tools(read)


def _unsupported(text: str, fix: str, param: str) -> Problem:
    return Problem(400, "unsupported_parameter", text, fix=fix, param=param)
