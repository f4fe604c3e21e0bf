"""From a request for a response to a turn: its question, what stands around it, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from starlette.requests import Request

from tierwise.runtime import AskOptions
from tierwise_app.serve.openai.messages import Said, conversation_of
from tierwise_app.serve.openai.options import Wanted, read_options
from tierwise_app.serve.openai.responses_input import read_input, said_in_items
from tierwise_app.serve.openai.responses_kept import Kept, before
from tierwise_app.serve.openai.responses_request import ResponsesRequest, ignored, read_tools, refuse
from tierwise_app.serve.openai.tools import read_choice
from tierwise_app.serve.problems import Problem


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it is worked on.

    Attributes:
        question: what is asked.
        wanted: what the SDK is told; options complete.
        thread: the thread that the turn goes on in, ``None``: it has one for itself.
        kept: what comes back in the response, and is kept if it is to be stored.
        ignored: fields without effect.
        stream: answer with events.
    """

    question: str
    wanted: Wanted
    thread: str | None
    kept: Kept
    ignored: tuple[str, ...]
    stream: bool


def read_request(request: Request, body: ResponsesRequest) -> Asked:
    """Read a request; the conversation that it goes on with is looked up.

    Raises:
        Problem: for what cannot be done as it is meant.
    """
    refuse(body)
    wanted = read_options(request, body.model, body.tierwise)
    items, reasoned = read_input(body.input)
    earlier = before(request, body.previous_response_id)
    if earlier.previous is not None and wanted.thread not in (None, earlier.thread):
        raise Problem(
            400,
            "invalid_value",
            "previous_response_id and a thread are two conversations.",
            fix="Leave one of them out.",
            param="previous_response_id",
        )
    thread = earlier.thread or wanted.thread
    must_call, tools = read_choice(body.tool_choice, read_tools(body.tools or ()))
    told = [Said("system", body.instructions, "instructions")] if body.instructions else []
    question, conversation = conversation_of(
        [*told, *said_in_items(earlier.items, "previous_response_id"), *said_in_items(items)],
        param="input",
        tools=tools,
        must_call=must_call,
        one_call=body.parallel_tool_calls is False,
    )
    conversation = replace(conversation, untrusted=earlier.tainted)
    if thread is not None:  # the thread knows what was said
        conversation = replace(conversation, earlier=None)
    kept = Kept(items, earlier.previous, thread, body.model or "auto", body.echo())
    more: AskOptions = {
        "conversation": conversation,
        "sampling": body.sampling,
        "schema": body.schema_wanted,
        "attached": None if body.store is False else kept.attached,
    }
    if thread is not None:
        more["thread"], more["passing"] = thread, False
    if earlier.locked:
        more["lock"] = True
    return Asked(
        question=question,
        wanted=replace(wanted, options={**wanted.options, **more}),
        thread=thread,
        kept=kept,
        ignored=tuple(ignored(body, reasoned=reasoned)),
        stream=bool(body.stream),
    )
