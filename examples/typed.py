"""Answers as values: a type goes in, a value of it comes out, whichever tier wrote it."""

from typing import Literal

from pydantic import BaseModel, Field

from tierwise import Copilot


class Ticket(BaseModel):
    kind: Literal["question", "complaint", "order"]
    urgent: bool
    summary: str = Field(max_length=60)


MAIL = "The kettle I bought on Monday leaks. Please send me a new one before the weekend!"

with Copilot() as copilot:
    ticket = copilot.ask(f"Sort this mail: {MAIL}", returns=Ticket)
    print(f"[{ticket.tier}] {ticket.value.kind}, urgent: {ticket.value.urgent}: {ticket.value.summary}")

    answer = copilot.ask(f"Is this mail about a kettle? {MAIL}", returns=bool)
    print(f"[{answer.tier}] about a kettle: {answer.value}")
