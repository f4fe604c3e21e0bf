"""What goes wrong, as a response: the status says whose move it is, the body what happened and the one thing to do."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from tierwise.errors import ModelError, StoreError, TierwiseError
from tierwise.redact import redact

# The types that programs which speak the OpenAI API know.
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "invalid_request_error",
    409: "conflict_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    421: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}
# By the code of our errors; a tier's failure that is not named is 502, anything else the server's own.
_STATUS = {
    "usage": 400,
    "unknown_name": 404,
    "invalid_input": 400,
    "schema": 400,
    "blocked": 403,
    "thread_busy": 409,
    "taken_over": 409,
    "store_busy": 503,
    "context_too_long": 400,
    "rate_limited": 429,
    "tier_resting": 503,
    "timeout": 504,
}
_NAMES = {"context_too_long": "context_length_exceeded"}  # where the OpenAI API has a word of its own
# Absolute paths of files: not what follows a host, and not our own addresses.
_PATH = re.compile(r"(?<![\w/:.\\])(?:(?!/v1/)/[^\s/'\",;:]+(?:/[^\s/'\",;:]+)+|[A-Za-z]:\\[^\s'\",;]+)/?")


class Problem(Exception):
    """A request that is not answered as it was meant.

    Args:
        status: of HTTP.
        code: one word, for programs.
        message: what happened and why.
        fix: the one thing to do.
        param: which part of the request.
        retry_after: seconds after which it may go better.
        about: more that belongs into the error's body.
        headers: more headers.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fix: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
        about: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.code, self.param, self.retry_after = status, code, param, retry_after
        self.message = without_paths(redact(message if fix is None else f"{message} {fix}"))
        self.about = dict(about or {})
        self.headers = dict(headers or {})
        super().__init__(self.message)

    @classmethod
    def of(cls, error: TierwiseError, *, param: str | None = None) -> Problem:
        """One of our errors as a response."""
        status = _STATUS.get(error.code, 502 if isinstance(error, ModelError) else 500)
        message = str(error)
        if status >= 500 and not isinstance(error, ModelError):  # speaks of files, and of what only the owner can do
            busy = status == 503
            message = "The store is busy: try again." if busy else "The server cannot do that now. Its log says why."
        elif isinstance(error, StoreError) and error.code == "taken_over":
            message = "Another server has taken up the turn."
        after = error.retry_after if isinstance(error, ModelError) else 1 if status == 503 else None
        return cls(
            status,
            _NAMES.get(error.code, error.code),
            message,
            param=param,
            retry_after=None if after is None else max(1, math.ceil(after)),
        )

    @property
    def body(self) -> dict[str, Any]:
        """``{"error": {"message", "type", "param", "code", ...}}``."""
        kind = _TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code, **self.about}}

    @property
    def response(self) -> JSONResponse:
        """The response."""
        after = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return JSONResponse(self.body, self.status, headers={**after, **self.headers})


def without_paths(text: str) -> str:
    """A text without the folders of this machine's files: their names say enough to whoever is not sitting at it."""
    return _PATH.sub(lambda found: re.split(r"[\\/]", found[0].rstrip("\\/"))[-1], text)
