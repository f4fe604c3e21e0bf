"""What went wrong at a server, in plain sentences and as our own errors."""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2

from tierwise import errors
from tierwise.errors import ModelError
from tierwise.redact import redact

if TYPE_CHECKING:
    import openai

_CONTEXT_CODES = ("context_length_exceeded", "exceed_context_size_error")
_CONTEXT_WORDS = (
    "maximum context length", "context size", "context length", "context window", "too many tokens", "token count",
    "prompt is too long", "input is too long",
)  # fmt: skip
_TOO_MUCH = ("exceed", "maximum", "too long")
_WINDOW = re.compile(
    r"(?:maximum (?:context|model|input|prompt) length|context (?:length|size|window)|n_ctx|max_model_len)"
    r"[^\d\n]{0,40}?(\d[\d,]{2,9})",
    re.IGNORECASE,
)
_FILTER_CODES = (
    "content_filter", "content_policy_violation", "responsibleaipolicyviolation", "invalid_prompt", "bio_policy",
)  # fmt: skip


@dataclass(frozen=True)
class Where:
    """Who was asked, for the wording: the model, the host, the variable with the key, and the key to keep out.

    ``api`` is the part of the protocol that was spoken: ``chat``, ``responses`` or ``embeddings``.
    """

    model: str
    host: str
    key_env: str
    key: str
    api: str = "chat"


def explain(error: BaseException, where: Where) -> ModelError:
    """The :class:`~tierwise.errors.ModelError` for whatever the client raised."""
    import openai

    if isinstance(error, ModelError):
        return error
    if isinstance(error, openai.APIStatusError):
        found = _status(error, where)
        found.retry_after = retry_after(error.response.headers)
        return found
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else error
    if isinstance(cause, httpx2.ReadTimeout | httpx2.WriteTimeout):
        return errors.ModelTimeout(f"{where.host} did not answer in time.", fix="Try again later.")
    if isinstance(error, openai.APITimeoutError) or isinstance(cause, httpx2.TimeoutException):
        return errors.ModelTimeout(
            f"{where.host} did not accept a connection in time.", fix="Check the network.", nothing_sent=True
        )
    if isinstance(cause, httpx2.ConnectError):
        return errors.Unreachable(
            f"Nothing answers at {where.host} ({_short(cause, where)}).",
            fix="Start the server, or correct its base_url.",
            nothing_sent=True,
        )
    if isinstance(cause, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
        return errors.Unreachable(
            f"{where.host} is not an address.", fix="Write base_url as http://HOST:PORT/v1.", nothing_sent=True
        )
    if isinstance(cause, httpx2.HTTPError | openai.APIConnectionError | OSError):
        return errors.Unreachable(f"The connection to {where.host} broke ({_short(cause, where)}).", fix="Try again.")
    if isinstance(error, openai.APIError):
        return _reported(error, where)
    return errors.NotTheProtocol(
        f"{where.host} sent something that is not the OpenAI protocol ({_short(error, where)}).",
        fix="Check that base_url is the address of the API; it often ends in /v1.",
    )


def no_protocol(where: Where, what: str) -> errors.NotTheProtocol:
    """The server answered, but not with what was asked for."""
    return errors.NotTheProtocol(
        f"{where.host} {what}.", fix="Check that base_url is the address of the API; it often ends in /v1."
    )


def is_about(error: openai.APIStatusError, parameter: str) -> bool:
    """Whether a 400 complains about this request parameter, or about a part of it."""
    named = str(error.param or "")
    return named == parameter or named.startswith(f"{parameter}.") or parameter in _message(error)


def is_bad_schema(error: openai.APIStatusError) -> bool:
    """Whether a 400 complains about this very schema, and not about schemas as such."""
    return _code(error) == "invalid_json_schema" or "invalid schema" in _message(error).lower()


def is_context_error(error: openai.APIError) -> bool:
    """Whether the prompt (or a text to embed) was too long, in the words of the OpenAI API or of llama-server."""
    code, kind, message = _code(error), str(error.type or ""), _message(error).lower()
    return (
        code in _CONTEXT_CODES
        or kind in _CONTEXT_CODES
        or "too large to process" in message
        or (any(words in message for words in _CONTEXT_WORDS) and any(words in message for words in _TOO_MUCH))
    )


def _status(error: openai.APIStatusError, where: Where) -> ModelError:
    status, said = error.status_code, _said(error, where)
    if status == 413 or is_context_error(error):
        return _too_long(error, where)
    if status == 400 and _is_filter(error):
        return _filtered(where)
    if status == 401:
        return errors.AuthError(f"{where.host} refused the key{said}.", fix=f"Set {where.key_env} to a valid key.")
    if status == 403:
        return errors.AuthError(
            f"The key is not allowed to use {where.model} at {where.host}{said}.",
            fix="Use another key or another model.",
        )
    if status in (404, 405) and where.api == "responses" and not _names_model(error, where):
        return errors.ModelNotFound(
            f"{where.host} does not serve the Responses API at that path{said}.",
            fix='Set api = "chat" for this tier, or correct its base_url.',
        )
    if status == 404:
        return errors.ModelNotFound(
            f"{where.host} has no model {where.model!r}, or nothing is served at that path{said}.",
            fix="Correct the model or its base_url, which often ends in /v1.",
        )
    if status == 402 or (status == 429 and _code(error) in ("insufficient_quota", "billing_hard_limit_reached")):
        return errors.QuotaExceeded(
            f"The account at {where.host} is out of credit{said}.", fix="Add credit, or use another tier."
        )
    if status == 429:
        return errors.RateLimited(f"{where.host} gets too many requests from this key{said}.", fix="Try again later.")
    if status == 408:
        return errors.ServerError(f"{where.host} gave up waiting (408){said}.", fix="Try again.")
    if status >= 500:
        return errors.ServerError(f"{where.host} failed ({status}){said}.", fix="Try again later, or use another tier.")
    if 300 <= status < 400:
        place = redact(error.response.headers.get("location", "elsewhere"), where.key)[:200]
        return errors.ModelNotFound(
            f"{where.host} redirects to {place}, which is not followed: the request would go to another address.",
            fix="Set base_url to the final address.",
        )
    return ModelError(f"{where.host} refused the request ({status}){said}.")


def _reported(error: openai.APIError, where: Where) -> ModelError:
    """An error that came inside a stream which had begun well."""
    if is_context_error(error):
        return _too_long(error, where)
    if _is_filter(error):
        return _filtered(where)
    if _code(error) == "insufficient_quota":
        return errors.QuotaExceeded(f"The account at {where.host} is out of credit.", fix="Add credit.")
    if "rate_limit" in _code(error):
        return errors.RateLimited(f"{where.host} gets too many requests from this key.", fix="Try again later.")
    return errors.ServerError(f"{where.host} broke off its answer{_said(error, where)}.", fix="Try again.")


def _too_long(error: openai.APIError, where: Where) -> errors.ContextTooLong:
    found = errors.ContextTooLong(
        f"The prompt does not fit the window of {where.model} at {where.host}.",
        fix="Shorten the question or the history, or set the tier's context_window to what the server has.",
    )
    found.window = _window(error)
    return found


def _window(error: openai.APIError) -> int | None:
    """Tokens of the window, as llama-server reports them (``n_ctx``) or as others write them into their sentence."""
    told = _inner(error.body).get("n_ctx")
    if isinstance(told, int) and told > 0:
        return told
    match = _WINDOW.search(_message(error))
    return int(match[1].replace(",", "")) if match else None


def _filtered(where: Where) -> errors.ContentFiltered:
    return errors.ContentFiltered(
        f"The content filter of {where.host} refused the request.", fix="Reword the question."
    )


def _is_filter(error: openai.APIError) -> bool:
    return _code(error).lower() in _FILTER_CODES or "content management policy" in _message(error).lower()


def _names_model(error: openai.APIError, where: Where) -> bool:
    return _code(error) in ("model_not_found", "DeploymentNotFound") or where.model in _message(error)


def _code(error: openai.APIError) -> str:
    if error.code:
        return str(error.code)
    inner = _inner(error.body)
    return str(inner.get("code") or "")


def _message(error: openai.APIError) -> str:
    return str(_inner(error.body).get("message") or error.message or "")


def _inner(body: Any) -> Mapping[str, Any]:
    if isinstance(body, Mapping):
        nested = body.get("error")
        return nested if isinstance(nested, Mapping) else body
    return {}


def _said(error: openai.APIError, where: Where) -> str:
    """The server's own words in brackets, without secrets and not endless; nothing if it said nothing of use."""
    message = str(_inner(error.body).get("message") or "")
    message = " ".join(redact(message, where.key, personal=True).split())[:200].rstrip(". ")
    return f': "{message}"' if message else ""


def _short(error: BaseException | None, where: Where) -> str:
    text = " ".join(redact(str(error), where.key, personal=True).split())[:120].rstrip(". ")
    return text or type(error).__name__


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the server wants us to wait (``retry-after-ms``, ``Retry-After`` in seconds or as a date), from 0."""
    milliseconds, word = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds:
            return _seconds(float(milliseconds) / 1000)
        if not word:
            return None
        try:
            return _seconds(float(word))
        except ValueError:
            return _seconds(email.utils.parsedate_to_datetime(word).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _seconds(value: float) -> float | None:
    return max(0.0, value) if math.isfinite(value) else None
