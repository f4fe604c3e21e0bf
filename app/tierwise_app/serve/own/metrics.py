"""``GET /metrics``: what the server counts, for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tierwise_app.serve.own.figures import Figures
from tierwise_app.serve.parts import key_of
from tierwise_app.serve.problems import Problem

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=PlainTextResponse, operation_id="read_metrics")
async def read_metrics(request: Request) -> Response:
    """What this server has counted since it began: turns, attempts, escalations, tokens, USD, bytes that left, seconds.

    Where keys are needed, it takes one that sees everything.
    """
    key = key_of(request)
    if key is not None and key.sees != "all":
        raise Problem(403, "not_allowed", "This key sees its own turns only.", fix="Use one that sees all.")
    figures: Figures = request.app.state.figures
    return Response(figures.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
