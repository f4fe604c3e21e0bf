"""What a model reads: the stable part first, so that a model that keeps its prefix reads little again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tierwise.errors import ContextTooLong
from tierwise.guards.untrusted import fence
from tierwise.models.base import ChatModel
from tierwise.turns import Notice
from tierwise.types import Message, Passage

SYSTEM = (
    "You are a careful assistant. Answer in one to three short sentences. "
    "If passages are given and they answer the question, answer from them alone. "
    "If you do not know, say that you do not know."
)
_OVERHEAD = 8  # tokens a chat template adds to a message, on the safe side
_PASSAGES_SHARE = 0.5  # of the room beside the question; the rest is for history


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages that fit a model's window, with what had to be left out.

    ``tokens`` is what the messages take, as counted before the request.
    """

    messages: tuple[Message, ...]
    passages: tuple[Passage, ...]
    tokens: int
    notices: tuple[Notice, ...] = ()


def build_messages(
    question: str,
    *,
    history: Sequence[Message] = (),
    passages: Sequence[Passage] = (),
    draft: str | None = None,
    form: str | None = None,
    steps: Sequence[Message] = (),
) -> tuple[Message, ...]:
    """Lay out a prompt: system, history, then the question with its passages, then finished tool steps.

    Passages of earlier turns are not repeated: what they said stands in the earlier answers.

    Args:
        question: the user's message.
        history: earlier messages, oldest first.
        passages: best first; fenced and marked as data.
        draft: a smaller model's answer that was not good enough.
        form: what the answer must look like, in words.
        steps: tool calls and results of this turn.
    """
    parts = []
    if passages:
        parts.append(fence(passages))
    if draft:
        parts.append(f"A smaller model's draft, which may be wrong:\n{draft}")
    parts.append(f"Question: {question}" if parts else question)
    if form:
        parts.append(form)
    return (Message("system", SYSTEM), *history, Message("user", "\n\n".join(parts)), *steps)


async def fit(
    model: ChatModel,
    tier: str,
    question: str,
    *,
    history: Sequence[Message] = (),
    passages: Sequence[Passage] = (),
    draft: str | None = None,
    form: str | None = None,
    steps: Sequence[Message] = (),
    reserve: int,
) -> Prompt:
    """Build the prompt that fits the model's window; what is cut becomes a notice, never a silence.

    The question and the tool steps always stay. Passages may take half of what is left, the best ones first; history
    gets the rest, the newest messages first.

    Args:
        model: counts the tokens.
        tier: its name, for the notice.
        question: the user's message.
        history: earlier messages, oldest first.
        passages: best first.
        draft: a smaller model's answer.
        form: what the answer must look like, in words.
        steps: tool calls and results of this turn.
        reserve: tokens to keep free for the answer, at most a quarter of the window.

    Raises:
        ContextTooLong: if the question alone does not fit.
    """
    window = model.capabilities.context_window
    fixed = build_messages(question, draft=draft, form=form, steps=steps)
    texts = [m.content for m in (*fixed, *history)] + [p.text for p in passages]
    sizes = [n + _OVERHEAD for n in await model.count_tokens(texts)]
    own, past = sum(sizes[: len(fixed)]), sizes[len(fixed) : len(fixed) + len(history)]
    room = window - min(reserve, window // 4) - own
    if room < 0:
        raise ContextTooLong(
            f"The question takes {own:,} tokens and the window of {tier} holds {window:,} with its answer.",
            fix="Shorten it, or put the long part into a file and ingest it.",
        )
    kept_passages = _leading(sizes[len(fixed) + len(history) :], int(room * _PASSAGES_SHARE) if history else room)
    room -= sum(sizes[len(fixed) + len(history) :][:kept_passages])
    kept_history = _leading(past[::-1], room) // 2 * 2  # questions and answers stay together
    notices = []
    if kept_history < len(history):
        left_out = len(history) - kept_history
        notices.append(
            Notice(
                "context_cut",
                f"The {left_out} oldest messages of this thread do not fit the window of {tier} ({window:,} tokens)"
                " and were left out.",
            )
        )
    if kept_passages < len(passages):
        notices.append(
            Notice(
                "context_cut",
                f"{len(passages) - kept_passages} of {len(passages)} passages do not fit the window of {tier}"
                f" ({window:,} tokens) and were left out.",
            )
        )
    return Prompt(
        build_messages(
            question,
            history=history[len(history) - kept_history :],
            passages=passages[:kept_passages],
            draft=draft,
            form=form,
            steps=steps,
        ),
        tuple(passages[:kept_passages]),
        own + sum(past[len(past) - kept_history :]) + sum(sizes[len(fixed) + len(history) :][:kept_passages]),
        tuple(notices),
    )


def _leading(sizes: Sequence[int], room: int) -> int:
    """How many of the first sizes fit into ``room``."""
    kept = 0
    for size in sizes:
        room -= size
        if room < 0:
            break
        kept += 1
    return kept
