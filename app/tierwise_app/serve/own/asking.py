"""From the body of a request to what the SDK is told."""

from __future__ import annotations

import uuid
from typing import get_args

from starlette.requests import Request

from tierwise import Conversation
from tierwise.runtime import AgainOptions, AskOptions
from tierwise.types import ShowBeforeSending
from tierwise_app.serve.own.shapes import AgainBody, TurnBody, Wishes
from tierwise_app.serve.parts import caller_of, key_of, parts_of
from tierwise_app.serve.problems import Problem

_SHOWING: tuple[ShowBeforeSending, ...] = get_args(ShowBeforeSending)  # more and more of it


def ask_options(request: Request, body: TurnBody) -> AskOptions:
    """How a question is asked.

    Raises:
        Problem: 404 for a tier or adapter that there is not, 403 for documents that the key keeps away.
    """
    named = body.collection is not None or body.document is not None or body.only is not None
    if named and body.documents == "off":
        raise Problem(
            400,
            "invalid_value",
            "documents is off, and some are named.",
            fix="Leave one of them out.",
            param="documents",
        )
    common = again_options(request, body, named=named)
    common.pop("question", None)
    options: AskOptions = {
        "tier": known_tier(request, body.tier),
        "thread": body.thread or f"api-{uuid.uuid4().hex}",
        "passing": body.thread is None,
        "collection": body.collection,
        "document": body.document,
        "only": None if body.only is None else body.only.filter,
        **common,  # type: ignore[typeddict-item]
    }
    if body.instructions is not None:
        options["conversation"] = Conversation(instructions=body.instructions)
    if body.sampling is not None:
        options["sampling"] = body.sampling.sampling
    return options


def again_options(request: Request, body: Wishes, *, named: bool = False) -> AgainOptions:
    """How a question is asked again.

    Args:
        request: for who asks.
        body: the wishes.
        named: documents are named.

    Raises:
        Problem: as :func:`ask_options`.
    """
    settings = parts_of(request).copilot.settings
    options: AgainOptions = {
        "dial": body.dial,
        "lock": body.lock,
        "offline": body.offline or None,
        "schema": body.form,
        "adapter": None if body.adapter is None else _adapter(request, body.adapter),
        "caller": caller_of(request),
        "goes_on": body.background,
        "search": body.documents != "off",
        "grounded": {None: None, "auto": False, "only": True, "off": None}[body.documents],
    }
    if body.show_before_sending is not None:
        options["show_before_sending"] = max(body.show_before_sending, settings.show_before_sending, key=_SHOWING.index)
    if isinstance(body, AgainBody):
        options["question"] = body.question
    if (key := key_of(request)) is not None and key.documents == "none":
        if named or body.documents == "only":
            raise Problem(403, "no_documents", "This key gets no documents.", param="documents")
        options["search"] = options["own_tools"] = False  # tools search documents, too, and read files
    return options


def known_tier(request: Request, name: str) -> str:
    """A tier's name, or a word for one.

    Raises:
        Problem: 404, with the names that there are.
    """
    names = [*dict.fromkeys(("auto", "quick", "deep", *(tier.name for tier in parts_of(request).copilot.tiers)))]
    if name not in names:
        raise Problem(404, "unknown_name", f"There is no tier {name!r}.", fix=f"Use {', '.join(names)}.", param="tier")
    return name


def _adapter(request: Request, name: str) -> str:
    # Only by name, and looked for here: a path would tell what files this machine has.
    if not (parts_of(request).copilot.settings.home / "adapters" / f"{name}.gguf").is_file():
        raise Problem(404, "unknown_name", f"There is no adapter {name!r}.", param="adapter")
    return name
