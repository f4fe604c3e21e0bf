"""What a request of the OpenAI kind says beside OpenAI's own fields: in its body's ``tierwise``, or in headers."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from tierwise import AsyncCopilot
from tierwise.callers import Documents
from tierwise.runtime import AskOptions
from tierwise.serve_settings import Hold
from tierwise.types import Dial
from tierwise_app.serve.parts import Parts, caller_of, key_of, parts_of
from tierwise_app.serve.problems import Problem

ANY = ("auto", "quick", "deep")
THREAD = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_PREFIX = "x-tierwise-"
_BOOLS = {"true": True, "1": True, "false": False, "0": False}
_TEXT = Field(None, min_length=1, max_length=1000)


class Extension(BaseModel):
    """What tierwise is told beside the fields of the OpenAI API; each may also be sent as ``X-Tierwise-NAME``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    thread: str | None = Field(
        None,
        pattern=THREAD,
        description="A thread to go on with, or to begin: what it holds takes the place of the request's earlier"
        " messages.",
        examples=["holiday"],
    )
    dial: Dial | float | None = Field(
        None, description="`economy`, `balanced`, `quality`, or the share of questions that may go to a larger tier."
    )
    lock: bool = Field(False, description="Keep this turn on the device.")
    offline: bool | None = Field(None, description="Refuse every tier that is not on the device.")
    collection: str | None = Field(None, min_length=1, max_length=1000, description="Search only this collection.")
    document: str | None = Field(
        None, min_length=1, max_length=4000, description="Read this document: its address, or its name."
    )
    documents: Documents | None = Field(
        None,
        description="`auto` uses what is found, `only` answers from it or not at all, `off` does not look.",
    )
    adapter: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", description="A LoRA adapter.")
    own_tools: bool = Field(True, description="Offer the tools that this server has, beside the request's own.")
    hold: Hold | None = Field(
        None,
        description="What a stream does before the draft is checked: `verified` waits, `live` shows it as it is written"
        " and ends with an error if another tier's answer takes its place.",
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for, as the SDK is told it.

    Attributes:
        options: for :meth:`~tierwise.AsyncCopilot.stream`; what stands around the question is not in it.
        hold: when a stream's text may be shown.
        thread: the thread that was asked for; ``None``: the turn has one for itself.
    """

    options: AskOptions
    hold: Hold
    thread: str | None


def read_options(request: Request, model: str | None, extension: Extension | None) -> Wanted:
    """Put headers and body together; the body wins.

    Args:
        request: for its headers, and who asks.
        model: ``auto``, ``quick``, ``deep`` or a tier's name; ``None`` is ``auto``.
        extension: the body's ``tierwise``.

    Raises:
        Problem: 404 for a model or adapter that there is not, 403 for documents that the key keeps away, else 400.
    """
    parts = parts_of(request)
    said = _together(request, extension)
    tier = known_model(parts, model)
    options: AskOptions = {"tier": tier, "caller": caller_of(request), "lock": said.lock, "own_tools": said.own_tools}
    if said.dial is not None:
        options["dial"] = _dial(said.dial)
    if said.offline is not None:
        options["offline"] = said.offline
    if said.adapter is not None:
        options["adapter"] = _adapter(parts.copilot, said.adapter)
    options["thread"] = said.thread or f"api-{uuid.uuid4().hex}"
    options["passing"] = said.thread is None
    _documents(request, said, options)
    return Wanted(options, said.hold or parts.settings.hold, said.thread)


def known_model(parts: Parts, model: str | None) -> str:
    """What the model that a request names means, if it is one of ``GET /v1/models``: a wish, or a tier.

    Raises:
        Problem: 404, with the names that there are.
    """
    names = models_of(parts)
    if model is None:
        return "auto"
    if model not in names:
        shown = model if len(model) <= 100 else f"{model[:100]}..."
        raise Problem(
            404, "model_not_found", f"There is no model {shown!r}.", fix=f"Use {', '.join(names)}.", param="model"
        )
    return names[model]


def models_of(parts: Parts) -> dict[str, str]:
    """What ``model`` may be, with what each name means: the wishes, the tiers, cheapest first, then other names."""
    own = dict.fromkeys((*ANY, *(tier.name for tier in parts.copilot.tiers)))
    return {name: name for name in own} | {n: means for n, means in parts.settings.models.items() if n not in own}


def _together(request: Request, extension: Extension | None) -> Extension:
    found: dict[str, Any] = {}
    for raw_name, raw in request.headers.items():
        if not raw_name.startswith(_PREFIX):
            continue
        name, field = _header(raw_name), raw_name.removeprefix(_PREFIX).replace("-", "_")
        if field not in Extension.model_fields:
            known = ", ".join(_header(_PREFIX + one) for one in Extension.model_fields)
            raise Problem(400, "unknown_header", f"There is no header {name}.", fix=f"Known: {known}.", param=name)
        if field in found:
            raise Problem(400, "invalid_header", f"{name} is there twice.", fix="Send it once.", param=name)
        try:  # names may be of any script; HTTP itself would read them as Latin-1
            found[field] = _value(field, raw.encode("latin-1").decode("utf-8"))
            Extension(**{field: found[field]})
        except (UnicodeDecodeError, ValidationError) as error:
            why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.errors()[0]["msg"]
            raise Problem(400, "invalid_header", f"{name} cannot be read: {why}.", param=name) from None
    if extension is not None:
        found |= {name: getattr(extension, name) for name in extension.model_fields_set}
    return Extension(**found)


def _header(name: str) -> str:
    return "-".join(word.capitalize() for word in name.replace("_", "-").split("-"))


def _value(field: str, text: str) -> Any:
    if field in ("lock", "offline", "own_tools"):
        return _BOOLS.get(text.lower(), text)
    if field == "dial":
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _dial(dial: Dial | float) -> Dial | float:
    if isinstance(dial, float | int) and not 0 <= dial <= 1:
        raise Problem(
            400,
            "invalid_value",
            f"dial is {dial!r}.",
            fix="Use economy, balanced, quality, or a share of questions such as 0.2.",
            param="tierwise.dial",
        )
    return dial


def _adapter(copilot: AsyncCopilot, name: str) -> str:
    # Only by name, and looked for here: a path would tell what files this machine has.
    if not (copilot.settings.home / "adapters" / f"{name}.gguf").is_file():
        raise Problem(404, "unknown_name", f"There is no adapter {name!r}.", param="tierwise.adapter")
    return name


def _documents(request: Request, said: Extension, options: AskOptions) -> None:
    """Whether documents are looked at, and which."""
    key = key_of(request)
    named = said.collection is not None or said.document is not None
    if key is not None and key.documents == "none":
        if named or said.documents == "only":
            raise Problem(403, "no_documents", "This key gets no documents.", param="tierwise.documents")
        # Tools of the server search documents, too, and read files.
        options["search"] = options["own_tools"] = False
        return
    wish = said.documents or parts_of(request).settings.documents
    if wish == "off" and named:
        if said.documents == "off":
            text = "documents is off, and a collection or document is named."
            raise Problem(400, "invalid_value", text, fix="Leave one of them out.", param="tierwise.documents")
        wish = "auto"
    options["search"], options["grounded"] = wish != "off", wish == "only"
    options["collection"], options["document"] = said.collection, said.document
