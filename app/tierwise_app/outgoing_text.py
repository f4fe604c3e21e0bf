"""What leaves the device, as the terminal shows it: complete, and with nothing in it that cannot be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierwise.errors import UnknownName
from tierwise_app.text import clean, money, one_line, plural, size, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from tierwise import Outgoing


def outgoing_line(outgoing: Outgoing) -> str:
    """A request in one line: where it goes, how much it is, what it costs."""
    cost = "price unknown" if outgoing.usd is None else f"about {money(outgoing.usd)}"
    model, host = one_line(outgoing.model), one_line(outgoing.host)
    return f"to {outgoing.tier} ({model}) at {host}: {size(outgoing.bytes)}, about {outgoing.tokens:,} tokens, {cost}"


def print_outgoing(console: Console, outgoing: Outgoing, *, commands: bool = True) -> None:
    """All that a request says, item by item, and the commands that decide on it."""
    console.print("Nothing has left this device yet. This would leave", style="bold")
    console.print(f"  {outgoing_line(outgoing)}")
    for number, item in enumerate(outgoing.items, 1):
        stays = "" if item.removable else "  (needed)"
        console.print(f"{number:>3}  {item.kind.replace('_', ' ')}: {one_line(item.title)}{stays}", style="bold")
        for line in item.text.split("\n"):
            console.print(f"     | {visible(line)}")
    if commands:
        console.print(f"send it:      tierwise threads approve {outgoing.turn_id} [--without ITEM]", style="dim")
        console.print(f"keep it here: tierwise threads deny {outgoing.turn_id}", style="dim")


def named_items(outgoing: Outgoing, words: Sequence[str]) -> list[str]:
    """The ids of items that a person names by their number or id.

    Raises:
        UnknownName: if there is no such item.
    """
    ids = [item.id for item in outgoing.items]
    found = []
    for word in words:
        number = int(word) if word.isdecimal() and len(word) < 6 else 0
        if word not in ids and not 1 <= number <= len(ids):
            raise UnknownName(
                f"There is no item {clean(word)!r}.",
                fix=f"Give a number from 1 to {len(ids)}: tierwise threads waiting shows {plural(len(ids), 'item')}.",
            )
        found.append(word if word in ids else ids[number - 1])
    return found
