"""Where prompts are: a person's own in ``HOME/prompts``, suggested ones in the package."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path

from tierwise.errors import InvalidInput, StoreError, UnknownName
from tierwise.home import open_home
from tierwise_app.prompts.files import read_text, write_text
from tierwise_app.prompts.prompt import NAME, Prompt, slug

_SUGGESTED = Path(__file__).with_name("suggested")
# In the order in which they are offered.
_ORDER = (
    "summarise",
    "what-do-my-documents-say",
    "explain",
    "compare",
    "reply",
    "tidy-notes",
    "translate",
    "find-mistakes",
    "extract-table",
    "plan",
)
LARGEST = 400_000  # bytes of a file


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that is no prompt. It is left as it is.

    Attributes:
        path: the file.
        problem: what is wrong and what to do, for people.
        text: what stands in it, as far as it can be read.
    """

    path: Path
    problem: str
    text: str


class Shelf:
    """A person's own prompts: one file each, read anew at every look, so that files edited by hand appear at once.

    Args:
        home: the home folder.
    """

    def __init__(self, home: Path) -> None:
        self.folder = home / "prompts"

    def read(self) -> tuple[list[Prompt], list[Broken]]:
        """All prompts by title, and the files that are none by name."""
        prompts, broken = [], []
        for path in self._files():
            found = _look(path)
            if isinstance(found, Prompt):
                prompts.append(found)
            else:
                broken.append(found)
        return sorted(prompts, key=lambda prompt: (prompt.title.casefold(), prompt.name)), broken

    def get(self, name: str) -> Prompt | None:
        """The prompt of that name; ``None`` if there is none, or its file is broken."""
        if not NAME.fullmatch(name) or not self._path(name).is_file():
            return None
        found = _look(self._path(name))
        return found if isinstance(found, Prompt) else None

    def has(self, name: str) -> bool:
        """Whether a file of that name is there, broken or not."""
        return self._path(name).exists()

    def free_name(self, wanted: str) -> str:
        """A name that no file has: the wanted one if it is free, else with a number."""
        wanted = slug(wanted)
        names = (wanted if n == 1 else f"{wanted[:60]}-{n}" for n in range(1, 10_000))
        return next(name for name in names if not self.has(name))

    def mark(self, name: str) -> str:
        """A mark of what stands in a file, to see later whether somebody else has written it; empty without one."""
        try:
            return hashlib.sha256(self._path(name).read_bytes()).hexdigest()
        except OSError:
            return ""

    def save(self, prompt: Prompt, *, mark: str | None = None, now: datetime | None = None) -> Prompt:
        """Write a prompt, wholly or not at all.

        Args:
            prompt: the prompt; its times are set.
            mark: what :meth:`mark` said when editing began (empty for a new one); ``None`` writes over anything.
            now: the time to set.

        Raises:
            InvalidInput: if the file is not as ``mark`` says, or would be too long to be read.
            StoreError: if it cannot be written.
        """
        if mark is not None and self.mark(prompt.name) != mark:
            raise InvalidInput(
                f"There is already a prompt named {prompt.name!r}."
                if not mark
                else f"The file {prompt.name}.md was changed by somebody else just now.",
                fix="Choose another name." if not mark else "Open it again to see what it says now.",
            )
        now = now or datetime.now(UTC)
        prompt = replace(prompt, created=prompt.created or now, updated=now)
        text = write_text(prompt)
        read_text(prompt.name, text)  # nothing is written that could not be read again
        self._write(prompt.name, text)
        return prompt

    def save_text(self, name: str, text: str) -> Prompt:
        """Write a file as a person wrote it.

        Raises:
            InvalidInput: if it is no prompt; nothing is written.
            StoreError: if it cannot be written.
        """
        prompt = read_text(name, text)
        self._write(name, text)
        return prompt

    def rename(self, old: str, prompt: Prompt, *, mark: str | None = None) -> Prompt:
        """Write a prompt under a new name and take its old file away.

        Raises:
            InvalidInput: if the new name is taken, or the old file is not as ``mark`` says.
            StoreError: if it cannot be written.
        """
        if mark is not None and self.mark(old) != mark:
            raise InvalidInput(f"The file {old}.md was changed by somebody else just now.", fix="Open it again.")
        saved = self.save(prompt, mark="")
        self.delete(old)
        return saved

    def delete(self, name: str) -> None:
        """Take a prompt away.

        Raises:
            UnknownName: if it is not there.
            StoreError: if its file cannot be removed.
        """
        self.discard(self._path(name).name)

    def discard(self, file: str) -> None:
        """Take a file of the folder away, a prompt or not; errors as for :meth:`delete`."""
        path = next((path for path in self._files() if path.name == file), None)
        if path is None:
            raise UnknownName(f"There is no file {file!r} among the prompts.")
        try:
            path.unlink()
        except OSError as error:
            raise StoreError(f"{path} cannot be removed: {error.strerror or error}.") from error

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise UnknownName(f"A prompt cannot be named {name!r}.")
        return self.folder / f"{name}.md"

    def _files(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from (p for p in sorted(self.folder.glob("*.md")) if p.is_file() and not p.name.startswith("."))

    def _write(self, name: str, text: str) -> None:
        path = self._path(name).resolve()  # a link stays a link
        try:
            open_home(self.folder)
            with tempfile.NamedTemporaryFile(
                "w", dir=path.parent, prefix=".", suffix=".new", delete=False, encoding="utf-8", newline="\n"
            ) as file:
                file.write(text)
            os.replace(file.name, path)  # noqa: PTH105 (one step, also over a file)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written: {error.strerror or error}.", fix="Check the folder's permissions."
            ) from error


def suggested() -> tuple[Prompt, ...]:
    """The prompts that come with tierwise, in the order in which they are offered."""
    return _suggested()


@cache
def _suggested() -> tuple[Prompt, ...]:
    return tuple(read_text(name, (_SUGGESTED / f"{name}.md").read_text(encoding="utf-8")) for name in _ORDER)


def _look(path: Path) -> Prompt | Broken:
    try:
        state = path.stat()
    except OSError as error:
        return Broken(path, f"It cannot be read: {error.strerror or error}.", "")
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=2048)  # reading YAML takes a while; a file that did not change is not read again
def _read(path: Path, _time: int, length: int) -> Prompt | Broken:
    if length > LARGEST:
        return Broken(path, f"It is larger than {LARGEST // 1000} kB, and is not read. Shorten it.", "")
    text = ""
    try:
        text = path.read_bytes().decode("utf-8")
        if not NAME.fullmatch(path.stem):
            raise InvalidInput("Its name cannot be typed after / in the chat.", fix=f"Name it {slug(path.stem)}.md.")
        return read_text(path.stem, text)
    except UnicodeDecodeError:
        return Broken(path, "It is not UTF-8 text. Save it as UTF-8.", "")
    except OSError as error:
        return Broken(path, f"It cannot be read: {error.strerror or error}.", "")
    except InvalidInput as error:
        return Broken(path, str(error), text)
