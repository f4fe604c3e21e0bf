"""Whatever a caller sends as his conversation: nothing of it is lost, and each exchange is named once."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tierwise import Conversation, Message, ToolCall
from tierwise.graph.payload import _given
from tierwise.graph.prompt import fit
from tierwise.graph.said import NO_QUESTION, exchange_of, given_steps, grouped, said_before
from tierwise.graph.state import TurnState
from tierwise.models.mending import mend
from tierwise.record import TakenOut
from tierwise.runtime.caller_checks import checked_conversation
from tierwise.testing import ScriptedModel

WORDS = st.text(st.sampled_from("ab .?\n"), max_size=12)
CALLS = st.lists(
    st.builds(ToolCall, st.sampled_from(["", "c1", "c2"]), st.sampled_from(["f", "g"]), st.just({"x": 1})), max_size=2
)
MESSAGE = st.one_of(
    st.builds(Message, st.just("user"), WORDS),
    st.builds(lambda text, calls: Message("assistant", text, tuple(calls)), WORDS, CALLS),
    st.builds(lambda text, name: Message("tool", text, (), name), WORDS, st.sampled_from(["c1", "c2", "gone"])),
)
MESSAGES = st.lists(MESSAGE, max_size=14)


def state_of(messages: list[Message]) -> TurnState:
    return {"conversation": checked_conversation(Conversation(earlier=tuple(messages)))}


@given(MESSAGES)
def test_grouping_loses_nothing_and_begins_where_the_user_speaks(messages: list[Message]) -> None:
    groups = grouped(messages)
    assert [m for group in groups for m in group] == messages
    assert all(groups)
    assert all(group[0].role == "user" for group in groups[1:])
    for group in groups:
        assert not any(before.role != "user" and m.role == "user" for before, m in pairwise(group))


@given(MESSAGES)
def test_an_exchange_holds_every_word_of_the_user_and_the_assistant(messages: list[Message]) -> None:
    for group in grouped(messages):
        one = exchange_of(group)
        assert one.asked == NO_QUESTION or all(
            m.content in one.asked for m in group if m.role == "user" if m.content.strip()
        )
        assert all(m.content in one.text for m in group if m.role == "assistant" if m.content.strip())
        assert one.text.count(" gave: ") == sum(m.role == "tool" for m in group)
        assert len(one.text) < sum(len(m.content) + 2 for m in group) + 300 * len(group)


@given(MESSAGES, MESSAGES)
def test_ids_are_distinct_and_stay_the_same_when_the_conversation_goes_on(
    messages: list[Message], more: list[Message]
) -> None:
    said = said_before(state_of(messages))
    assert said is not None
    assert said.groups is not None
    assert [m for group in said.groups for m in group] == list(mend(messages))
    ids = [one.turn_id for one in said.earlier.exchanges]
    assert len(set(ids)) == len(ids)
    more = [message for message in more if message.role != "tool"]  # a result that comes late is moved to its call
    longer = said_before(state_of([*messages, Message("assistant", "So."), Message("user", "And?"), *more]))
    assert longer is not None
    assert [one.turn_id for one in longer.earlier.exchanges][: max(0, len(ids) - 1)] == ids[:-1]


@given(MESSAGES, st.data())
def test_what_is_taken_out_is_gone_and_the_rest_is_not(messages: list[Message], data: Any) -> None:
    state = state_of(messages)
    said = said_before(state)
    assert said is not None
    assert said.groups is not None
    ids = [one.turn_id for one in said.earlier.exchanges]
    gone = data.draw(st.sets(st.sampled_from(ids))) if ids else set()
    left = said_before(state, TakenOut(turns=frozenset(gone), texts=("x",)))
    assert left is not None
    assert left.groups is not None
    kept = [(n, i) for n, i in zip(ids, said.groups, strict=True) if n not in gone]
    assert [(one.turn_id, group) for one, group in zip(left.earlier.exchanges, left.groups, strict=True)] == kept


@given(MESSAGES, st.integers(120, 400))
def test_prompts_fit_their_window_and_keep_whole_what_fits(messages: list[Message], window: int) -> None:
    said = said_before(state_of(messages))
    assert said is not None
    model = ScriptedModel([], context_window=window)
    prompt = asyncio.run(fit(model, "quick", "Why?", said=said, reserve=20))
    assert prompt.tokens <= window - 20
    whole = list(mend(messages))
    if prompt.history.groups:
        assert list(prompt.messages[1:-1]) == whole
        assert prompt.notices == ()
    else:
        assert not whole or prompt.notices


@given(MESSAGES)
def test_steps_are_listed_whole_each_under_an_id_of_its_own(messages: list[Message]) -> None:
    steps = tuple(message for message in messages if message.role != "user")
    state: TurnState = {"conversation": checked_conversation(Conversation(steps=steps))}
    told = given_steps(state)
    items = list(_given(told))
    assert len({item.id for item in items}) == len(items)
    listed = "\n".join(item.text for item in items)
    assert all(message.content in listed for message in told)
