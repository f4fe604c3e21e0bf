"""Options that take several values after one flag: ``--data A B C`` means ``--data A --data B --data C``."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand


class SeveralValues(TyperCommand):
    """A command whose options that may be repeated also take several values at once."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Write the flag before each further value, then parse as usual."""
        several = {name for param in self.params if getattr(param, "multiple", False) for name in param.opts}
        return super().parse_args(ctx, spread(args, several))


def spread(args: list[str], several: set[str]) -> list[str]:
    """Repeat each flag of ``several`` before every value that follows it, up to the next flag."""
    made: list[str] = []
    flag, first = "", False
    for i, word in enumerate(args):
        if word == "--":
            return made + args[i:]
        if word.startswith("-") and word != "-":
            name, equals, _ = word.partition("=")
            flag, first = (name, not equals) if name in several else ("", False)
            made.append(word)
        elif flag and not first:
            made += [flag, word]
        else:
            made.append(word)
            first = False
    return made
