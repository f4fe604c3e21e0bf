"""What the global options say, and the parts of tierwise a command opens with them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tierwise import Copilot, Settings
    from tierwise.knowledge import Knowledge
    from tierwise.record import Record

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value on stdout.")]
Collection = Annotated[str | None, typer.Option("--collection", "-c", help="Use this collection only.")]


@dataclass(frozen=True, slots=True)
class Session:
    """The global options of one run.

    Attributes:
        config: configuration file named by ``--config``.
        debug: show tracebacks.
    """

    config: Path | None = None
    debug: bool = False

    @classmethod
    def start(cls, config: Path | None, home: Path | None, debug: bool) -> Session:
        """Take the global options; ``--home`` goes to the environment, where every part and child process looks."""
        if home is not None:
            os.environ["TIERWISE_HOME"] = str(home.expanduser().absolute())
        return cls(config, debug)

    def settings(self, **overrides: Any) -> Settings:
        """The settings in force, with a command's own flags on top."""
        from tierwise.config import load_settings

        return load_settings(self.config, **overrides)

    def copilot(self, **overrides: Any) -> Copilot:
        """A copilot with the settings in force; the caller closes it."""
        from tierwise import Copilot

        copilot = Copilot(settings=self.settings(**overrides))
        _tell(copilot.settings.home)
        return copilot

    @contextmanager
    def knowledge(self) -> Iterator[Knowledge]:
        """The knowledge store alone: no model is opened."""
        from tierwise.knowledge import Knowledge
        from tierwise.models import open_embedder

        settings = self.settings()
        with (
            closing(open_embedder(settings.embedder)) as embedder,
            closing(Knowledge(settings.home, embedder, offline=settings.offline or settings.locked)) as knowledge,
        ):
            yield knowledge

    @contextmanager
    def record(self) -> Iterator[Record]:
        """The decision records alone: no model is opened."""
        from tierwise.record import Record

        settings = self.settings()
        record = Record(settings.home, redact=settings.redact)
        _tell(settings.home)
        try:
            yield record
        finally:
            record.close()


def session(ctx: typer.Context) -> Session:
    """The run's :class:`Session`."""
    found = ctx.find_object(Session)
    assert found is not None, "the root callback always makes one"
    return found


def _tell(home: Path) -> None:
    """Say on stderr, once, which store was damaged and what became of it."""
    from tierwise.damage import take_news
    from tierwise_app.console import err
    from tierwise_app.text import clean

    for text in take_news(home):
        err().print(f"tierwise: {clean(text)}", markup=False)
