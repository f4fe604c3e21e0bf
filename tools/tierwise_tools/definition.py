"""A tool: something a model may call, with all that has to be known before it is let."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Generic, Literal, ParamSpec, TypeVar

from tierwise_tools.context import ToolContext
from tierwise_tools.effects import Asks, Effect, only_reads
from tierwise_tools.errors import ToolError
from tierwise_tools.result import ToolResult, as_result
from tierwise_tools.running import call_function
from tierwise_tools.text import cut, first_line, whole_characters

P = ParamSpec("P")
R = TypeVar("R")
SECONDS = 30.0
LONGEST = 8_000
_LONGEST_ERROR = 2_000

Check = Callable[[dict[str, Any]], dict[str, Any]]
"""From a model's arguments to the values to call with; raises :class:`ToolError` if they do not fit."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a tool comes from.

    Attributes:
        kind: ``function`` (the caller's own), ``built-in``, ``package``, ``mcp`` or ``openapi``.
        name: of the package, server or document; empty for a function.
        version: as its maker gives it, or empty.
    """

    kind: Literal["function", "built-in", "package", "mcp", "openapi"] = "function"
    name: str = ""
    version: str = ""

    def __str__(self) -> str:
        return " ".join(word for word in (self.kind, self.name, self.version) if word)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a call may take: seconds of time, and characters of a result that a model gets to read."""

    seconds: float = SECONDS
    characters: int = LONGEST


@dataclass(frozen=True)
class Tool(Generic[P, R]):
    """A function with the schema a model needs to call it; calling the tool calls the function.

    Attributes:
        function: the function as it was written.
        name: what a model calls it.
        description: what a model is told it does.
        parameters: JSON Schema of type ``object``; a :class:`ToolContext` parameter is not in it.
        effects: what a call does beside answering.
        says_effects: false if its author did not say, and ``effects`` is the cautious guess.
        asks: ``always`` has a person say yes to every single call, whatever else is set.
        repeatable: running a call twice does no more than running it once, so it may be run again after a crash.
        trusted: its results are its own words (a sum, the time), and not text that somebody else may have written.
        bounds: what a call may take.
        origin: where it comes from.
    """

    function: Callable[P, R]
    name: str
    description: str
    parameters: dict[str, Any]
    effects: tuple[Effect, ...] = ("read",)
    says_effects: bool = True
    asks: Asks = "by_effect"
    repeatable: bool = False
    trusted: bool = False
    bounds: Bounds = Bounds()
    origin: Origin = Origin()
    _check: Check = field(default=dict, repr=False)
    _context: str | None = field(default=None, repr=False)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function directly, as a test would."""
        return self.function(*args, **kwargs)

    @property
    def may_repeat(self) -> bool:
        """Whether a call whose end is not known may simply be run again."""
        return self.repeatable or only_reads(self.effects)

    @property
    def fingerprint(self) -> str:
        """Changes whenever what a person agreed to changes: name, words, schema, effects or origin."""
        told = [self.name, self.description, self.parameters, self.effects, self.asks, self.origin.kind]
        text = json.dumps([*told, self.origin.name], sort_keys=True, ensure_ascii=True)
        return sha256(text.encode()).hexdigest()

    def but(self, **changes: Any) -> Tool[P, R]:
        """The same tool with some attributes changed."""
        return replace(self, **changes)

    def check(self, arguments: dict[str, Any]) -> None:
        """See whether arguments fit, without calling anything.

        Raises:
            ToolError: if they do not, with what is expected; the text is for the model.
        """
        self._values(arguments)

    async def run(self, arguments: dict[str, Any], context: ToolContext | None = None) -> ToolResult:
        """Validate a model's arguments, call the function and tell its result.

        Cancelling the task cancels the call.

        Raises:
            ToolError: if the arguments do not fit, the function fails, takes too long, or gives something that cannot
                be told; the text is for the model.
        """
        values = self._values(arguments)
        try:
            result = await call_function(
                self.function,
                values,
                context=context or ToolContext(),
                takes=self._context,
                seconds=self.bounds.seconds,
            )
            return as_result(result, longest=self.bounds.characters)
        except ToolError as error:
            raise ToolError(cut(whole_characters(str(error)), _LONGEST_ERROR)) from error
        except TimeoutError as error:
            raise ToolError(f"{self.name} did not finish within {self.bounds.seconds:g} seconds") from error
        except Exception as error:
            why = cut(whole_characters(f"{type(error).__name__}: {first_line(error)}"), _LONGEST_ERROR)
            raise ToolError(f"{self.name} failed: {why}") from error

    def _values(self, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._check(arguments)
        except ToolError as error:
            expected = json.dumps(self.parameters.get("properties", {}), ensure_ascii=False)
            text = f"{self.name} was called wrongly. {error}. Expected: {expected}"
            raise ToolError(cut(text, _LONGEST_ERROR)) from error
