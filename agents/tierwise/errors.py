"""What can go wrong, as a person would name it.

::

    TierwiseError                      message says what happened, why, and the one thing to do
    |-- UsageError                     wrong call or configuration            exit code 2
    |   |-- ConfigError                tierwise.toml, environment, flags
    |   |-- UnknownName                a tier, collection, thread, turn or model that does not exist
    |   `-- InvalidInput               an empty question, a path that is not there ...
    |       `-- SchemaNotSupported     a JSON Schema that no model can be held to
    |-- Blocked                        a lock, guard or budget said no        exit code 4
    |-- StoreError                     a store cannot be read or written      exit code 1
    |   |-- StoreBusy                  another process holds the write lock
    |   |   `-- ThreadBusy             another turn of the thread is being answered
    |   |-- TakenOver                  another process has taken up the turn; nothing more of it is stored here
    |   |-- StoreDamaged               the file is not what SQLite wrote
    |   `-- EmbedderMismatch           vectors were made by another embedder
    |-- ModelError                     a tier could not answer                exit code 1
    |   |-- ModelNotInstalled          the extra, package or file is missing
    |   |-- ModelFileError             the GGUF is cut, foreign or too large for memory
    |   |-- ModelCrashed               the model's process died
    |   |-- AdapterError               a LoRA adapter is missing, foreign or not for this model
    |   |-- InvalidOutput              the answer does not fit the schema it was asked for
    |   |-- ContextTooLong             the prompt does not fit the window
    |   |-- AuthError                  401, 403 or no key
    |   |-- ModelNotFound              404 or a model the server does not know
    |   |-- RateLimited                429: too many requests
    |   |-- QuotaExceeded              429: the account is out of credit
    |   |-- ServerError                5xx, or an answer that broke off
    |   |   `-- NotTheProtocol         an answer that is not of the OpenAI API: a web page, say
    |   |-- Unreachable                no connection
    |   |-- TierResting                the tier failed several times in a row and is left alone for a while
    |   |-- ModelTimeout               one of the four time limits
    |   `-- ContentFiltered            the provider refused the content
    `-- ToolError                      a tool refused or failed; the text is written for the model
"""

from __future__ import annotations

from typing import ClassVar


class TierwiseError(Exception):
    """Base of all errors of tierwise. ``str(error)`` is fit to be shown to a person as it is.

    Args:
        what: what happened and why, one sentence.
        fix: the one thing to do, if there is one.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, fix: str | None = None) -> None:
        self.what = what
        self.fix = fix
        super().__init__(what if fix is None else f"{what} {fix}")

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword-only arguments do not survive pickling by themselves.
        return (_rebuild, (type(self), self.what, self.fix))


def _rebuild(cls: type[TierwiseError], what: str, fix: str | None) -> TierwiseError:
    return cls(what, fix=fix)


class UsageError(TierwiseError):
    """The call or the configuration is wrong."""

    code = "usage"
    exit_code = 2


class ConfigError(UsageError):
    """The configuration cannot be used as it is written."""

    code = "config"


class UnknownName(UsageError):
    """Something was named that does not exist."""

    code = "unknown_name"


class InvalidInput(UsageError):
    """The input cannot be worked on."""

    code = "invalid_input"


class SchemaNotSupported(InvalidInput):
    """A JSON Schema that cannot be kept; said before anything is decoded."""

    code = "schema"


class Blocked(TierwiseError):
    """A lock, guard or budget refused the turn."""

    code = "blocked"
    exit_code = 4


class StoreError(TierwiseError):
    """A store cannot be read or written."""

    code = "store"


class StoreBusy(StoreError):
    """Another process is writing and did not finish in time."""

    code = "store_busy"


class ThreadBusy(StoreBusy):
    """Another turn of the thread is being answered, and turns are not to queue."""

    code = "thread_busy"


class TakenOver(StoreError):
    """Another process has taken up the turn: this one was not heard of for longer than its lease."""

    code = "taken_over"


class StoreDamaged(StoreError):
    """The file of a store is not what was written."""

    code = "store_damaged"


class EmbedderMismatch(StoreError):
    """The stored vectors were made by another embedder."""

    code = "embedder_mismatch"


class ModelError(TierwiseError):
    """A tier could not answer.

    Attributes:
        transient: the same request may succeed a moment later.
        retry_after: the server's own wish in seconds, when it gave one.
        nothing_sent: the request certainly did not leave this process (no key, no connection).
    """

    code = "model"
    transient: ClassVar[bool] = False
    retry_after: float | None = None

    def __init__(self, what: str, *, fix: str | None = None, nothing_sent: bool = False) -> None:
        super().__init__(what, fix=fix)
        self.nothing_sent = nothing_sent


class ModelNotInstalled(ModelError):
    """The extra, package or file that the model needs is missing."""

    code = "model_not_installed"


class ModelFileError(ModelError):
    """The model file is truncated, foreign, or too large for this machine."""

    code = "model_file"


class ModelCrashed(ModelError):
    """The model's process died."""

    code = "model_crashed"
    transient = True


class AdapterError(ModelError):
    """The LoRA adapter is missing, no adapter, or made for another model; the base model never answers in its place."""

    code = "adapter"


class InvalidOutput(ModelError):
    """The answer does not fit the schema it was asked for."""

    code = "invalid_output"


class ContextTooLong(ModelError):
    """The prompt does not fit the model's window; ``window`` is how many tokens it has, if the server said so."""

    code = "context_too_long"
    window: int | None = None


class AuthError(ModelError):
    """The key is missing, wrong, or not allowed to use the model."""

    code = "auth"


class ModelNotFound(ModelError):
    """The server does not know the model, or the address is not an API."""

    code = "model_not_found"


class RateLimited(ModelError):
    """Too many requests; trying again later helps."""

    code = "rate_limited"
    transient = True


class QuotaExceeded(ModelError):
    """The account behind the key is out of credit; trying again does not help."""

    code = "quota_exceeded"


class ServerError(ModelError):
    """The server failed or did not speak the protocol."""

    code = "server_error"
    transient = True


class NotTheProtocol(ServerError):
    """What answers is not a server of the OpenAI API; asking it again does not help."""

    code = "not_the_protocol"
    transient = False


class Unreachable(ModelError):
    """No connection could be made, or it broke."""

    code = "unreachable"
    transient = True


class TierResting(ModelError):
    """The tier failed several times in a row and is left alone for a while; nothing was sent."""

    code = "tier_resting"


class ModelTimeout(ModelError):
    """One of the time limits (connect, first token, between tokens, whole call) passed."""

    code = "timeout"
    transient = True


class ContentFiltered(ModelError):
    """The provider's content filter stopped the request or the answer."""

    code = "content_filter"
