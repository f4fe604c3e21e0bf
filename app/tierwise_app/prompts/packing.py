"""Prompts in and out: Markdown files, alone or in a zip."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from tierwise.errors import InvalidInput, TierwiseError
from tierwise_app.prompts.files import read_text, write_text
from tierwise_app.prompts.prompt import Prompt, slug
from tierwise_app.prompts.shelf import LARGEST, Shelf

Clash = Literal["both", "replace", "skip"]
_MOST = 500


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file.

    Attributes:
        file: its name.
        outcome: what was done.
        name: the prompt it became, if it did.
        problem: why it did not.
    """

    file: str
    outcome: Literal["added", "replaced", "skipped", "failed"]
    name: str = ""
    problem: str = ""


def export_zip(prompts: Iterable[Prompt]) -> bytes:
    """All files in a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for prompt in prompts:
            packed.writestr(f"{prompt.name}.md", write_text(prompt))
    return buffer.getvalue()


def import_files(shelf: Shelf, files: Iterable[tuple[str, bytes]], clash: Clash = "both") -> list[Imported]:
    """Take prompts in.

    Args:
        shelf: where they go.
        files: names and contents: ``.md`` files, and zips of such.
        clash: what to do with a file whose name is taken: keep both, replace the one that is there, or skip it. A file
            that says the same as the one that is there is skipped in any case.

    Returns:
        One entry a file, in their order. What is wrong with one does not hold up the others.
    """
    return [_import(shelf, name, data, clash) for name, data in _unpacked(files)]


def _import(shelf: Shelf, file: str, data: bytes | InvalidInput, clash: Clash) -> Imported:
    try:
        if isinstance(data, InvalidInput):
            raise data
        name, text = slug(PurePosixPath(file).stem), _decoded(data)
        prompt = read_text(name, text)
        taken = shelf.has(name)
        if taken and (clash == "skip" or shelf.get(name) == prompt):
            return Imported(file, "skipped", name)
        if taken and clash == "both":
            name = shelf.free_name(name)
        shelf.save_text(name, text)
    except TierwiseError as error:
        return Imported(file, "failed", problem=str(error))
    return Imported(file, "replaced" if taken and clash == "replace" else "added", name)


def _decoded(data: bytes) -> str:
    if len(data) > LARGEST:
        raise InvalidInput(f"It is larger than {LARGEST // 1000} kB.", fix="Shorten it.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput("It is not UTF-8 text.", fix="Save it as UTF-8.") from error


def _unpacked(files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes | InvalidInput]]:
    for name, data in files:
        if not name.lower().endswith(".zip"):
            yield name, data
            continue
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                yield from _entries(name, packed)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError) as error:
            yield name, InvalidInput(f"It cannot be unpacked: {error}.", fix="Pack it again, without a password.")


def _entries(name: str, packed: zipfile.ZipFile) -> Iterator[tuple[str, bytes | InvalidInput]]:
    # Of where a file lies in the zip only its name counts: nothing is ever written where the zip says.
    entries = [entry for entry in packed.infolist() if _is_prompt(entry)]
    if not entries:
        yield name, InvalidInput("No .md file is in it.", fix="Pack the files of prompts, such as tidy-notes.md.")
    for entry in entries[:_MOST]:
        with packed.open(entry) as file:  # no more is unpacked than is taken in, whatever the zip says of its size
            yield PurePosixPath(entry.filename).name, file.read(LARGEST + 1)
    if len(entries) > _MOST:
        left = len(entries) - _MOST
        yield name, InvalidInput(f"{left} of its files were left out: {_MOST} are taken at once.", fix="Split it.")


def _is_prompt(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename)
    hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in path.parts)
    return not entry.is_dir() and not hidden and path.suffix.lower() == ".md"
