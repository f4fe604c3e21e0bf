"""Whatever history a request is made from, no model is asked with a tool call that has no result."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tierwise.models.base import ChatRequest
from tierwise.models.mending import INTERRUPTED, mend
from tierwise.types import Message, ToolCall

IDS = st.sampled_from(["", "a", "b", "c", "a_1", "call_0"])
CALLS = st.lists(st.builds(ToolCall, IDS, st.just("look"), st.just({})), max_size=3).map(tuple)
MESSAGES = st.lists(
    st.one_of(
        st.builds(Message, st.sampled_from(["system", "user"]), st.text(max_size=3)),
        st.builds(Message, st.sampled_from(["assistant", "assistant", "user"]), st.text(max_size=3), CALLS),
        st.builds(Message, st.just("tool"), st.text(max_size=3), st.just(()), st.one_of(st.none(), IDS)),
    ),
    max_size=12,
)


def well_formed(messages: tuple[Message, ...]) -> bool:
    """As an OpenAI server checks it."""
    place = 0
    while place < len(messages):
        message = messages[place]
        place += 1
        if message.role == "tool" or (message.tool_calls and message.role != "assistant"):
            return False
        ids = [call.id for call in message.tool_calls]
        results = messages[place : place + len(ids)]
        if not all(ids) or len(set(ids)) < len(ids):
            return False
        if sorted(ids) != sorted(str(m.tool_call_id) for m in results) or any(m.role != "tool" for m in results):
            return False
        place += len(ids)
    return True


@given(MESSAGES)
def test_any_history_is_made_well_formed_and_only_once(messages: list[Message]) -> None:
    mended = mend(messages)
    assert well_formed(mended)
    assert mend(mended) == mended
    if well_formed(tuple(messages)):
        assert mended == tuple(messages)
    assert [m.content for m in mended if m.role != "tool"] == [m.content for m in messages if m.role != "tool"]
    assert ChatRequest(tuple(messages)).messages == mended


def test_a_call_that_was_cut_off_has_an_unknown_result() -> None:
    asks = Message("assistant", "", (ToolCall("a", "pay", {}), ToolCall("b", "look", {})))
    history = (Message("user", "Pay."), asks, Message("tool", "seen", (), "b"), Message("user", "And?"))
    assert mend(history) == (
        *history[:3],
        Message("tool", INTERRUPTED, (), "a"),
        history[3],
    )


def test_results_that_come_late_twice_or_for_nobody() -> None:
    asks = Message("assistant", "", (ToolCall("a", "look", {}),))
    late, again, nobody = (Message("tool", text, (), name) for text, name in (("1", "a"), ("2", "a"), ("3", "z")))
    user = Message("user", "Well?")
    assert mend((nobody, asks, user, late, again)) == (asks, late, user)


def test_calls_of_one_step_with_the_same_id_keep_their_results_in_order() -> None:
    asks = Message("assistant", "", (ToolCall("x", "look", {"n": 1}), ToolCall("x", "look", {"n": 2})))
    mended = mend((asks, Message("tool", "one", (), "x"), Message("tool", "two", (), "x")))
    first, second = (call.id for call in mended[0].tool_calls)
    assert first != second
    assert [(m.tool_call_id, m.content) for m in mended[1:]] == [(first, "one"), (second, "two")]
