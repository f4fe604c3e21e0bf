"""What can go wrong with a tool, by who has to read about it.

::

    AuthoringError      a function cannot be a tool as it is written      for its author, when it is defined
    ToolError           a call was refused or failed                      for the model, as the result of the call
    SourceError         a package, server or document gives no tools      for the user, who goes on without them
"""

from __future__ import annotations


class AuthoringError(TypeError):
    """A function cannot be a tool as it is written; the message says which parameter and why."""


class ToolError(Exception):
    """A tool refuses or fails; the text is written for the model."""


class SourceError(Exception):
    """A source of tools cannot be used; ``str(error)`` is fit to be shown to a person as it is.

    Args:
        what: what happened and why, one sentence.
        fix: the one thing to do, if there is one.
    """

    def __init__(self, what: str, *, fix: str | None = None) -> None:
        self.what = what
        self.fix = fix
        super().__init__(what if fix is None else f"{what} {fix}")
