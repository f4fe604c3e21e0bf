"""The server put together."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tierwise import AsyncCopilot, __version__
from tierwise.errors import ConfigError, TierwiseError
from tierwise.serve_settings import ServeSettings
from tierwise_app.serve.document import describe
from tierwise_app.serve.guard.gate import Gate
from tierwise_app.serve.guard.places import is_loopback
from tierwise_app.serve.keys import Keys
from tierwise_app.serve.lifespan import living
from tierwise_app.serve.line import Line
from tierwise_app.serve.logging import Served, log_error
from tierwise_app.serve.openai import chat, models, responses
from tierwise_app.serve.own import approvals, feedback, health, knowledge, metrics, threads
from tierwise_app.serve.own import turns as own_turns
from tierwise_app.serve.own.figures import Figures
from tierwise_app.serve.own.uploads import Documents
from tierwise_app.serve.pace import Pace
from tierwise_app.serve.parts import Parts
from tierwise_app.serve.problems import Problem
from tierwise_app.serve.turns import Turns

_ROUTES = (chat, responses, models, own_turns, threads, approvals, feedback, knowledge, health, metrics)


def make_app(copilot: AsyncCopilot, settings: ServeSettings | None = None) -> FastAPI:
    """The ASGI application. It runs in one process and one event loop, like its copilot.

    Args:
        copilot: answers; it is closed when the application ends.
        settings: of the server; by default those of the copilot.

    Raises:
        ConfigError: if another name of a model means a tier that there is not.
    """
    settings = settings or copilot.settings.serve
    _check_models(copilot, settings)
    keys = Keys(copilot.settings.home)
    turns = Turns(copilot, Line(settings.working, settings.waiting, Pace()), keys)
    figures = Figures(turns, tuple(tier.name for tier in copilot.tiers))
    parts = Parts(copilot, turns, keys, settings)
    app = FastAPI(
        title="tierwise",
        version=__version__,
        lifespan=living(parts),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        # It would tell a collector that the environment names what requests hold; older versions take no notice of it.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    app.state.parts, app.state.figures = parts, figures
    app.state.documents = Documents(copilot.settings.home, copilot.knowledge, turns, settings.document_mb)
    turns.line.waited = figures.waited

    def told(served: Served) -> None:
        figures.request(served.method, served.route, served.status, served.seconds)
        if served.refused is not None:
            figures.refused(served.refused)

    needs_key = not is_loopback(settings.host)
    app.add_middleware(Gate, settings=settings, keys=keys, needs_key=needs_key, told=told)
    for kind, handler in (
        (Problem, _problem),
        (TierwiseError, _ours),
        (RequestValidationError, _invalid),
        (HTTPException, _http),
    ):
        app.add_exception_handler(kind, handler)
    for module in _ROUTES:
        app.include_router(module.router)
    describe(app)
    return app


async def _problem(_: Request, error: Any) -> Response:
    response: Response = error.response
    return response


async def _ours(request: Request, error: Any) -> Response:
    problem = Problem.of(error)
    if problem.status >= 500:
        log_error(request.scope.get("tierwise.request_id", "-"), error)
    return problem.response


async def _invalid(_: Request, error: Any) -> Response:
    """Name the first part of the request that does not fit, and what is expected of it; its value is not repeated."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"] if part not in ("body", "query", "path", "header")]
    param = ".".join(place) or None
    message = f"{param}: {first['msg']}." if param else f"The request does not fit: {first['msg']}."
    return Problem(400, "invalid_request", message, param=param).response


async def _http(_: Request, error: Any) -> Response:
    known = {
        404: ("not_found", "There is nothing at this address."),
        405: ("method_not_allowed", "This address does not take that method."),
    }
    code, message = known.get(error.status_code, ("invalid_request", str(error.detail)))
    return Problem(error.status_code, code, message, headers=error.headers).response


def _check_models(copilot: AsyncCopilot, settings: ServeSettings) -> None:
    """See that every other name of a model means something."""
    names = ("auto", "quick", "deep", *(tier.name for tier in copilot.tiers))
    for name, means in settings.models.items():
        if means not in names:
            raise ConfigError(
                f"serve.models: {name!r} means {means!r}, which there is not.", fix=f"Use {', '.join(names)}."
            )
