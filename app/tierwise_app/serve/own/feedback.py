"""Feedback: what a person thinks of an answer."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tierwise_app.serve.own.responding import errors
from tierwise_app.serve.own.shapes import FeedbackBody
from tierwise_app.serve.own.told import Judged, told
from tierwise_app.serve.parts import own_turn, parts_of
from tierwise_app.serve.problems import Problem

router = APIRouter(prefix="/v1/turns", tags=["feedback"])


@router.post(
    "/{turn_id}/feedback",
    operation_id="judge",
    responses={
        200: {"model": Judged},
        **errors(_404="There is no such turn, or it is another key's.", _409="The turn has no answer to judge."),
    },
)
async def judge(request: Request, turn_id: str, body: FeedbackBody) -> Response:
    """Say what an answer was worth, in place of what was said before. Calibration and statistics read it."""
    turn = await asyncio.to_thread(own_turn, request, turn_id)
    if turn.status == "running" or turn.final is None:
        raise Problem(409, "no_answer", f"Turn {turn_id} has no answer to judge.", fix="Name another turn.")
    reason = (body.reason or "").strip()
    said = f"{body.verdict}: {reason}" if reason else body.verdict
    stored = await asyncio.to_thread(parts_of(request).copilot.record.set_feedback, turn_id, said)
    return told({"turn_id": turn_id, "feedback": stored.feedback})
