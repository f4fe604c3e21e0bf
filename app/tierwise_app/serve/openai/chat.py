"""``POST /v1/chat/completions``."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tierwise.errors import SchemaNotSupported
from tierwise_app.serve import sse
from tierwise_app.serve.openai.chat_answer import chunks, completion
from tierwise_app.serve.openai.chat_request import ChatRequest, Read, read_chat
from tierwise_app.serve.openai.chat_shapes import COMPLETION
from tierwise_app.serve.openai.held import opened, settled
from tierwise_app.serve.openai.telling import early_headers, headers_of
from tierwise_app.serve.parts import parts_of
from tierwise_app.serve.problems import Problem

router = APIRouter(tags=["OpenAI"])


@router.post("/v1/chat/completions", summary="Make a chat completion", response_model=None, responses=COMPLETION)
async def create_chat_completion(request: Request, body: ChatRequest) -> Response:
    """Answer a conversation with the smallest tier that can.

    Headers `X-Tierwise-...` and the field `tierwise` tell which tier answered and why; both may also ask for more than
    OpenAI's own fields can say.
    """
    # In a thread where there are schemas: a large one takes a while to check.
    read = await asyncio.to_thread(read_chat, request, body) if body.tools else read_chat(request, body)
    try:
        return await _answer(request, read)
    except SchemaNotSupported as error:
        raise Problem.of(error, param=read.form) from error


async def _answer(request: Request, read: Read) -> Response:
    wanted, model = read.wanted, str(read.wanted.options.get("tier"))
    watched = parts_of(request).turns.ask(read.question, **wanted.options)
    if not read.stream:
        answer = await settled(request, watched)
        headers = headers_of(answer, thread=wanted.thread, ignored=read.ignored, waited=watched.waited)
        return JSONResponse(completion(answer, model, watched.waited), headers=headers)
    # JSON is whole or nothing: what a model writes on the way to it is not shown.
    hold = "verified" if read.form is not None else wanted.hold
    parts = await opened(request, watched, hold, goes_on=wanted.thread is not None)
    if watched.answer is not None:
        headers = headers_of(watched.answer, thread=wanted.thread, ignored=read.ignored, waited=watched.waited)
    else:
        headers = early_headers(watched.turn_id, thread=wanted.thread, ignored=read.ignored)
    return sse.stream(chunks(parts, watched, model, usage=read.usage), headers)
