"""The events of a streamed response, numbered and in the order that programs of the Responses API rely on."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any, cast

from tierwise import Answer, TierwiseError
from tierwise_app.serve import sse
from tierwise_app.serve.line import Waits
from tierwise_app.serve.openai.held import Piece, Queued, Told, as_problem
from tierwise_app.serve.openai.responses_object import Object, begun, calls_of, finished, message
from tierwise_app.serve.problems import Problem
from tierwise_app.serve.turns import Watched

_WITHOUT_ANSWER = ("failed", "blocked")


async def events(
    parts: AsyncGenerator[Told, None], watched: Watched, said: Object, model: str
) -> AsyncGenerator[str, None]:
    """The events of a stream; what goes wrong in the middle is an event, and then nothing comes.

    Args:
        parts: what may be shown of the turn; closed at the end.
        watched: the turn.
        said: fields of the request that come back in the response.
        model: what was asked for.
    """
    writer, waited = ResponseEvents(said, model), 0
    try:
        async with aclosing(parts):
            async with aclosing(cast(AsyncGenerator[Any, None], watched.follow())) as items:
                async for item in items:
                    if not isinstance(item, Waits):
                        break
                    waited += 1
                    yield sse.comment(Queued(item.ahead, item.seconds).words)
            if (turn_id := watched.turn_id) is not None:
                yield "".join(writer.opened(turn_id))
            async for told in parts:
                if isinstance(told, Queued):
                    waited -= 1
                    if waited < 0:  # the others were told already
                        yield sse.comment(told.words)
                else:
                    yield "".join(writer.text(told.text) if isinstance(told, Piece) else writer.ended(told.answer))
    except (Problem, TierwiseError) as error:
        problem, answer = as_problem(error), watched.answer
        if answer is not None and answer.status in _WITHOUT_ANSWER:
            yield writer.failed(answer, problem)
        else:
            yield writer.broken(problem)
    except Exception:
        yield writer.broken(Problem(500, "internal", "Something unexpected went wrong."))
        raise


class ResponseEvents:
    """Writes one response as events.

    Args:
        said: fields of the request that come back in the response.
        model: what was asked for.
    """

    def __init__(self, said: Object, model: str) -> None:
        self._said, self._model = said, model
        self._turn_id = ""
        self._number = 0
        self._text: str | None = None  # of the message that is being written

    def opened(self, turn_id: str) -> Iterator[str]:
        """The turn has begun."""
        self._turn_id = turn_id
        for kind in ("response.created", "response.in_progress"):
            yield self._event(kind, response=begun(self._turn_id, self._said, self._model))

    def text(self, piece: str) -> Iterator[str]:
        """A piece of the message; the first one opens it."""
        if self._text is None:
            self._text = ""
            item = {**message(self._turn_id, "", "in_progress"), "content": []}
            yield self._event("response.output_item.added", output_index=0, item=item)
            yield self._event("response.content_part.added", **self._place, part=self._part)
        self._text += piece
        yield self._event("response.output_text.delta", **self._place, delta=piece, logprobs=[])

    def ended(self, answer: Answer) -> Iterator[str]:
        """The turn has its answer, whose text was given. The whole response comes last."""
        if self._text is None and not answer.calls:
            yield from self.text("")
        yield from self._close_message()
        for index, item in enumerate(calls_of(answer), start=0 if self._text is None else 1):
            yield from self._call(index, item)
        response = finished(answer, self._said, self._model)
        yield self._event(f"response.{response['status']}", response=response)

    def failed(self, answer: Answer, problem: Problem) -> str:
        """The turn ended without an answer."""
        return self._event("response.failed", response=finished(answer, self._said, self._model, problem))

    def broken(self, problem: Problem) -> str:
        """The stream ends here, whatever becomes of the turn."""
        error = problem.body["error"]
        named = {name: error[name] for name in ("code", "message", "param")}
        # Programs look for the error in the event itself or under ``error``: the API has had both.
        return self._event("error", **named, error=error)

    def _close_message(self) -> Iterator[str]:
        if self._text is not None:
            yield self._event("response.output_text.done", **self._place, text=self._text, logprobs=[])
            yield self._event("response.content_part.done", **self._place, part=self._part)
            item = message(self._turn_id, self._text)
            yield self._event("response.output_item.done", output_index=0, item=item)

    def _call(self, index: int, item: Object) -> Iterator[str]:
        place = {"item_id": item["id"], "output_index": index}
        opened = {**item, "arguments": "", "status": "in_progress"}
        yield self._event("response.output_item.added", output_index=index, item=opened)
        yield self._event("response.function_call_arguments.delta", **place, delta=item["arguments"])
        done = {"name": item["name"], "arguments": item["arguments"]}
        yield self._event("response.function_call_arguments.done", **place, **done)
        yield self._event("response.output_item.done", output_index=index, item=item)

    @property
    def _place(self) -> dict[str, Any]:
        return {"item_id": f"msg_{self._turn_id}", "output_index": 0, "content_index": 0}

    @property
    def _part(self) -> Object:
        part: Object = message(self._turn_id, self._text or "")["content"][0]
        return part

    def _event(self, kind: str, **fields: Any) -> str:
        data = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return sse.event(json.dumps(data), name=kind)  # in ASCII: some clients end a line at any mark that ends one
