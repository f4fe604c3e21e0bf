"""A tier of your own: anything that streams text can answer. Here a table of answers stands before the model."""

from collections.abc import AsyncIterator, Sequence

from tierwise import Copilot, Tier
from tierwise.errors import ModelError
from tierwise.models import Capabilities, ChatRequest, Chunk, Completed, Delta
from tierwise.types import Usage

KNOWN = {"when is the office open?": "Monday to Friday, 9 to 17 h."}


class Table:
    """Answers what is in the table; anything else is a failure, and the next tier takes over."""

    name = "table"
    capabilities = Capabilities(context_window=4096, on_device=True)

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        text = KNOWN.get(request.messages[-1].content.lower())
        if text is None:
            raise ModelError("The table has no answer to this.")
        yield Delta(text)
        yield Completed(finish="stop", usage=Usage(), model_served=self.name)

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    async def aclose(self) -> None:
        pass


tiers = [Tier("table", Table()), Tier("quick", "llama:smollm2-135m", max_tokens=60)]
with Copilot(tiers) as copilot:
    for question in ("When is the office open?", "Say hello in one short sentence."):
        answer = copilot.ask(question)
        print(f"{question} [{answer.tier}] {answer.text}")
