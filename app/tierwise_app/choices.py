"""What ``tierwise setup`` needs to know: from flags, from the configuration that is there, from a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tierwise.errors import ConfigError, InvalidInput, TierwiseError, UsageError
from tierwise.types import Wish
from tierwise.wish import read_wish
from tierwise_app.config_file import ConfigFile, check_entry, variable_name
from tierwise_app.console import out, report
from tierwise_app.text import size

EMBEDDED = "llama:smollm2-135m"
PROPOSED = "phi-3-mini-4k"


@dataclass(frozen=True, slots=True)
class Wishes:
    """Choices as words; ``None`` where nothing was said.

    Attributes:
        local: ``embedded``, ``none``, a model's name, a path, or a model as the configuration writes it.
        deep_model: a hosted model's name, or ``none``.
        deep_url: its server, or ``openai`` for the OpenAI API itself.
        deep_key_env: the variable that holds its key, or ``none``.
        price: USD per million tokens, ``input`` and ``output``.
        dial: ``economy``, ``balanced``, ``quality``, or a share of questions.
    """

    local: str | None = None
    deep_model: str | None = None
    deep_url: str | None = None
    deep_key_env: str | None = None
    price: dict[str, float] | None = None
    dial: str | None = None

    def over(self, rest: Wishes) -> Wishes:
        """These wishes, completed by ``rest`` where nothing was said."""
        mine = {f.name: getattr(self, f.name) for f in fields(self)}
        return Wishes(**{name: getattr(rest, name) if value is None else value for name, value in mine.items()})

    def tiers(self) -> list[dict[str, Any]]:
        """Entries of the tiers ``quick`` and ``deep``, cheapest first.

        Raises:
            TierwiseError: if they cannot be.
        """
        entries: list[dict[str, Any]] = []
        if (quick := _local_model(self.local or "embedded")) is not None:
            entries.append({"name": "quick", "model": quick})
        if (deep := _unless("none", self.deep_model)) is not None:
            key = _unless("none", self.deep_key_env)
            entries.append(
                {
                    "name": "deep",
                    "model": deep if deep.startswith(("openai:", "llama:")) else f"openai:{deep}",
                    "base_url": _unless("openai", self.deep_url),
                    "api_key_env": variable_name(key) if key else None,
                    "price": self.price,
                }
            )
        if not entries:
            raise InvalidInput("No model is chosen at all.", fix="Choose a local model, a hosted one, or both.")
        return entries

    def checked_dial(self) -> Wish:
        """The dial.

        Raises:
            InvalidInput: if there is no such wish.
        """
        dial = self.dial or "balanced"
        try:
            return read_wish("The dial", dial)
        except ConfigError as error:
            raise InvalidInput(f"The dial has no {dial!r}.", fix=error.fix) from error


def from_file(file: ConfigFile) -> Wishes:
    """What the configuration says so far; the defaults where there is none."""
    quick, deep = file.tier("quick"), file.tier("deep")
    return Wishes(
        local=quick.get("model") or ("none" if file.names() else "embedded"),
        deep_model=str(deep["model"]).removeprefix("openai:") if deep else "none",
        deep_url=deep.get("base_url") or ("openai" if deep else None),
        deep_key_env=deep.get("api_key_env") or ("none" if deep else None),
        price=deep.get("price"),
        dial=str(file.document.get("dial", "balanced")),
    )


def check_flags(given: Wishes, before: Wishes) -> None:
    """See that what was said about a hosted tier is about one.

    Raises:
        UsageError: if there is none.
    """
    details = given.deep_url or given.deep_key_env or given.price
    if details and given.over(before).deep_model == "none":
        raise UsageError("The address, key and price of a hosted model need --deep-model MODEL.")


def ask(given: Wishes, before: Wishes, home: Path) -> Wishes:
    """Ask a person for what the flags leave open; what cannot be is asked again."""
    import psutil
    import typer

    from tierwise.models import card

    proposed, memory = card(PROPOSED), psutil.virtual_memory()
    say = out().print
    cores = psutil.cpu_count(logical=False) or 1
    say(f"This machine: {cores} cores, {size(memory.available)} of {size(memory.total)} memory free.\n")
    say("Local model", style="bold")
    say(f"  embedded: {EMBEDDED}, installed with tierwise; small, shows that everything works")
    say(f"  a name:   of tierwise models list; {proposed.title} is a good one ({size(proposed.memory)} of memory):")
    say(f"            {proposed.name}, after: tierwise models pull {proposed.name} ({size(proposed.file_bytes)})")
    say("  a path:   a .gguf file of yours")

    def local_can_be(word: str) -> None:
        if (model := _local_model(word)) is not None:
            check_entry({"name": "quick", "model": model}, home)

    local = given.local or _prompt("Local model (embedded, none, a name or a path)", before.local, local_can_be)
    say("\nHosted model for hard questions (any OpenAI-compatible server)", style="bold")
    model = given.deep_model or _prompt("Model name (none: stay on this machine)", before.deep_model)
    url = key = price = None
    if model != "none":
        url = given.deep_url or _prompt("Address (openai: the OpenAI API itself)", before.deep_url or "openai")
        default = before.deep_key_env or ("OPENAI_API_KEY" if url == "openai" else "none")
        key = given.deep_key_env or _prompt(
            "Environment variable that holds its key (its name, not the key; or none)",
            default,
            lambda word: word == "none" or variable_name(word),
        )
        price = given.price or before.price
        if price is None:
            read = typer.prompt("USD per million tokens read (0: unknown)", default=0.0, type=float, err=True)
            written = typer.prompt("USD per million tokens written", default=0.0, type=float, err=True)
            price = {"input": read, "output": written} if read or written else None
    say("\nDial: economy drafts here as long as possible, quality asks the larger model sooner", style="bold")
    say("  or a share of questions that may go to the larger model, such as 0.2")
    dial = given.dial or _prompt("Dial", before.dial, lambda word: Wishes(dial=word).checked_dial())
    return Wishes(local, model, url, key, price, dial)


def _prompt(text: str, default: str | None, check: Callable[[str], object] = str) -> str:
    """Ask until ``check`` raises nothing."""
    import typer

    while True:
        word = str(typer.prompt(text, default=default, err=True)).strip()
        try:
            check(word)
        except TierwiseError as error:
            report(error, as_json=False)
        else:
            return word


def _unless(nothing: str, word: str | None) -> str | None:
    return None if word in (None, "", nothing) else word


def _local_model(word: str) -> str | None:
    if word == "none":
        return None
    if word == "embedded":
        return EMBEDDED
    if word.startswith(("llama:", "openai:")):
        return word
    if word.endswith(".gguf") or "/" in word or "\\" in word:
        return f"llama:{Path(word).expanduser().absolute()}"
    return f"llama:{word}"
