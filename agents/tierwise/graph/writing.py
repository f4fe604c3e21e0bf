"""One model step of an attempt, up to its result: what is asked, whether it may leave, what a refusal teaches."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial

from langgraph.runtime import Runtime

from tierwise.config import Tier
from tierwise.errors import ContextTooLong
from tierwise.events import AttemptStarted, TextDelta
from tierwise.graph.asking import Asking, prompt_for
from tierwise.graph.budget import unpaid
from tierwise.graph.caller_tools import callable_tools, must_call, no_call
from tierwise.graph.context import Live, TurnContext
from tierwise.graph.emitting import emit
from tierwise.graph.fallback import next_above, successor
from tierwise.graph.leaving import Leave, may_leave, place_of
from tierwise.graph.locking import LockedMeanwhile, locked_meanwhile
from tierwise.graph.paying import out_of_money, request_bytes
from tierwise.graph.sampling import most_tokens, sampling_of
from tierwise.graph.state import TurnState
from tierwise.graph.step import StepResult, run_step
from tierwise.graph.structured import request_schema
from tierwise.graph.telling import tell
from tierwise.graph.toolbox import adds_nothing, tools_for
from tierwise.jsonable import from_json
from tierwise.models.base import ChatRequest
from tierwise.types import Floor, Usage


@dataclass(frozen=True, slots=True)
class Written:
    """What the tier wrote, and what it was asked; ``max_tokens`` is what it was allowed to write."""

    result: StepResult
    asking: Asking
    max_tokens: int


class Writing:
    """Has the chosen tier write.

    Attributes:
        state: the turn; locked by what its prompt has read, or by what happened meanwhile.
        tier: who writes.
        live: what it has written, also when it fails.
    """

    def __init__(self, state: TurnState, runtime: Runtime[TurnContext]) -> None:
        self.state = state
        self._runtime, self._context = runtime, runtime.context
        self.tier = self._context.services.tier(state["tier"])
        self._model = self._context.services.models[self.tier.name]
        self._held, draft = state.get("held"), state.get("draft")
        self._announced = draft is not None  # the attempt began with an earlier step
        self._spoke = draft is not None and bool(draft["text"])
        self.live = self._context.live = Live(state["attempt"], self.tier.name, self.tier.model_name, state)
        if draft is not None:
            # What stands before a tool call is part of a text, and no part of a JSON value.
            self.live.text = draft["text"] if state.get("schema") is None else ""
            self.live.usage = from_json(Usage, draft["usage"])

    def announce(self) -> None:
        """Say that the attempt has started, once."""
        if not self._announced:
            self._announced = True
            emit(
                self._runtime,
                self._context.event(
                    AttemptStarted, attempt=self.live.attempt, tier=self.tier.name, model=self.tier.model_name
                ),
            )

    @property
    def unreplaced(self) -> int | None:
        """The attempt whose draft is held, as long as this one has not said a word in its place."""
        return self._held["attempt"] if self._held and not (self._spoke or self.live.text) else None

    async def run(self) -> Written | Leave:
        """Ask it, once more if the prompt proves too long and can be fitted to the window that it turned out to have.

        Returns:
            What it wrote, or why nothing may leave now.

        Raises:
            ModelError: if it could not answer.
        """
        state, services = self.state, self._context.services
        if await unpaid(state, self._context, self.tier) is not None:
            raise out_of_money(self.tier, self._context.caps)
        spared = self._held is not None or successor(state, self._context) is not None
        services.health.check(self.tier.name, spared=spared)
        refused: tuple[ChatRequest, ContextTooLong] | None = None
        while True:
            asking, request = await self._request()
            if refused is not None and request_bytes(request) >= request_bytes(refused[0]):
                raise refused[1]  # never the same request again
            leave = await self._leave(asking, request)
            if leave.show is not None or leave.kept:
                return leave
            self.announce()
            if self.live.text and refused is None:
                self.live.text += "\n\n"
                emit(self._runtime, self._context.event(TextDelta, attempt=self.live.attempt, text="\n\n"))
            await tell(self.live, self.state, self._context, self._model, asking, request.tools)
            before, window = self.live.text, self._model.capabilities.context_window
            try:
                result = await self._send(asking, request, leave, spared=spared)
                return Written(result, asking, request.max_tokens)
            except ContextTooLong as error:
                learned = self._model.capabilities.context_window < window
                if refused is not None or self.live.text != before or not learned:
                    raise
                refused = request, error

    async def _request(self) -> tuple[Asking, ChatRequest]:
        """What the tier is asked, fitted to its window; reading the thread for it may lock the turn."""
        most, has_tools = most_tokens(self.state, self.tier), self._model.capabilities.tools != "none"
        async with self._context.deadline.bound(self.tier.name):
            asking = await prompt_for(
                self.state,
                self._context,
                self.tier,
                self._model,
                self._held,
                max_tokens=most,
                tools=callable_tools(self.state) if has_tools else (),
            )
        self.state = {**self.state, "locked": asking.locked}  # also for whoever takes over
        state, how = self.state, sampling_of(self.state)
        must = must_call(state)
        if self._model.capabilities.tools == "prompted":  # they are chosen by their likeness to the question
            tools = await asyncio.to_thread(tools_for, state, self._context, self._model)
        else:
            tools = tools_for(state, self._context, self._model)
        if must and not tools:
            raise no_call(
                self.tier.name, "its model has no tool calls" if not has_tools else "made no call that can be used"
            )
        room = self._model.capabilities.context_window - asking.prompt.tokens
        request = ChatRequest(
            messages=asking.prompt.messages,
            max_tokens=max(1, min(most, room)),
            temperature=0.0 if how.temperature is None else how.temperature,
            seed=how.seed,
            stop=() if must else how.stop,  # it would cut the call
            tools=tools,
            must_call=must,
            schema=None if must else request_schema(state, self._model),
            adapter=state.get("adapter"),
            thread=state["thread"],
            floor=None if must else _floor(state, self._context, self.tier),
        )
        return asking, request

    async def _leave(self, asking: Asking, request: ChatRequest) -> Leave:
        """Whether the request may leave the device, if it would: the last look at the lock before it does."""
        if self.tier.stays_on_device:
            return Leave()
        if await locked_meanwhile(self.state, self._context):
            self.state = {**self.state, "locked": True}
            raise LockedMeanwhile(self.tier.name)
        return await may_leave(self.state, self._context, self.tier, self._model, asking, request)

    async def _send(self, asking: Asking, request: ChatRequest, leave: Leave, *, spared: bool) -> StepResult:
        step = partial(
            run_step,
            self._context,
            partial(emit, self._runtime),
            live=self.live,
            tier=self.tier,
            model=self._model,
            passages=len(asking.prompt.passages),
            replaces=self.unreplaced,
            spared=spared,
        )
        try:
            result = await step(request=request)
            may_do_without = request.tools and not request.must_call
            if may_do_without and adds_nothing(self.state, self._model, result.calls, self.live.text):
                self.live.prompt.pop("tools", None)
                result = await step(request=replace(request, tools=()))
            return result
        finally:
            if leave.allowed and self.live.sent is not None:
                # Not in a thread: it has left, whatever stops the turn now.
                self._context.services.record.note_sent(self._context.turn_id, place_of(self._context, self.tier))


def _floor(state: TurnState, context: TurnContext, tier: Tier) -> Floor | None:
    """How sure the first draft must begin to be written on; nothing is given up unless a larger tier can take over."""
    wanted = state.get("floor")
    first = state["stage"] == "post" and state["attempt"] == 1 and not state.get("rounds")
    if wanted is None or not first or state["requested"] != "auto" or state.get("schema") is not None:
        return None
    heir, _ = next_above(state, context, tier.name)
    return from_json(Floor, wanted) if heir is not None else None
