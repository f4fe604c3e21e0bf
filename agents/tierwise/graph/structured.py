"""Answers that are one JSON value: what a model is asked for, and whether it came."""

from __future__ import annotations

from typing import Any

from tierwise.errors import InvalidOutput
from tierwise.graph.context import TurnContext
from tierwise.graph.state import Json, TurnState
from tierwise.models.base import ChatModel
from tierwise.models.schemas import bare, check, unwrapped, wrapped
from tierwise.models.schemas.outline import outline


def request_schema(state: TurnState, model: ChatModel) -> dict[str, Any] | None:
    """The schema as the model takes it: the APIs of hosted models want an object at the top."""
    schema = state.get("schema")
    return wrapped(schema) if schema is not None and _is_native(model) else schema


def form_of(state: TurnState, model: ChatModel) -> str | None:
    """What the prompt says of the form; nothing where the schema itself travels with the request."""
    schema = state.get("schema")
    if schema is None or _is_native(model):
        return None
    return f"Answer with one JSON value of this form and nothing else:\n{outline(schema)}"


def value_text(state: TurnState, text: str, model: ChatModel) -> str:
    """The JSON in what a model wrote, out of the object that it was asked to put it in, if it was."""
    return bare(text) if request_schema(state, model) is state.get("schema") else unwrapped(bare(text))


def complaint(state: TurnState, context: TurnContext, draft: Json) -> InvalidOutput | None:
    """Why a draft is not what was asked for; ``None`` if it is, or if no form was asked for."""
    schema = state.get("schema")
    if schema is None:
        return None
    try:
        if context.accepts is not None:
            context.accepts(draft["text"])
        else:
            check(draft["text"], schema)
    except InvalidOutput as error:
        if draft["finish"] == "length":
            return InvalidOutput(
                f"The answer of {draft['tier']} ran into its token limit before its JSON was complete.",
                fix="Raise max_tokens of this tier, or ask for less.",
            )
        return InvalidOutput(f"{draft['tier']}: {error.what}", fix="Ask again, or ask a larger tier.")
    return None


def _is_native(model: ChatModel) -> bool:
    return model.capabilities.structured == "native"
