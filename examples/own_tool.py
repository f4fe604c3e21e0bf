"""A tool of your own that changes something: a person is asked, and what was shown is what runs."""

from collections.abc import AsyncIterator, Sequence

from tierwise import Copilot, Tier, tool
from tierwise.models import Called, Capabilities, ChatRequest, Chunk, Completed, Delta
from tierwise.types import ToolCall, Usage

NOTES: list[str] = []


@tool(effects="write")
def note(text: str) -> str:
    """Write something down.

    Args:
        text: what to remember.
    """
    NOTES.append(text)
    return f"{len(NOTES)} notes"


class Secretary:
    """Stands for a model that calls tools: notes whatever it is told, then says what came of it."""

    name = "secretary"
    capabilities = Capabilities(context_window=4096, on_device=True, tools="native")

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        last = request.messages[-1]
        if last.role == "tool":
            yield Delta(f"Noted ({last.content}).")
        else:
            yield Called(ToolCall("1", "note", {"text": last.content}))
        yield Completed(finish="stop", usage=Usage(), model_served=self.name)

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    async def aclose(self) -> None:
        pass


with Copilot([Tier("quick", Secretary())], tools=[note]) as copilot:
    answer = copilot.ask("The key is under the mat.")
    (call,) = answer.waiting
    print(answer.status, "-", call.name, call.arguments, "-", call.why)
    answer = copilot.approve(answer.turn_id, call.id, arguments={"text": "Ask Ann for the key."})
    print(answer.text, NOTES)
