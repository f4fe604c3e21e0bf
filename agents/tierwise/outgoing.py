"""What leaves the device with a request, as people see it. Frozen, and made of JSON values."""

from __future__ import annotations

from dataclasses import dataclass

from tierwise.types import OutgoingKind


@dataclass(frozen=True, slots=True)
class OutgoingItem:
    """A piece of what a request sends to a model that is not on this device.

    Attributes:
        id: the same for the same piece in later requests; that of a passage is the passage's.
        kind: what it is; ``earlier`` is one exchange of the thread, or all of it that is sent in short.
        title: what it is, in a few words.
        text: the words that leave.
        removable: a person may take it out.
    """

    id: str
    kind: OutgoingKind
    title: str
    text: str
    removable: bool


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it would leave the device: its items, in order, are all of its content.

    Attributes:
        id: names exactly this content for this host; any other has another id.
        turn_id: the turn.
        tier: the tier that is to be asked.
        model: its model, as it was configured.
        host: where it goes; empty for a tier on the device.
        items: what leaves.
        bytes: size of the request, near that of the body.
        tokens: what the model reads, as far as it can be counted here.
        usd: what the request and an answer of the usual length cost, ``None`` without a price.
    """

    id: str
    turn_id: str
    tier: str
    model: str
    host: str
    items: tuple[OutgoingItem, ...]
    bytes: int
    tokens: int
    usd: float | None
