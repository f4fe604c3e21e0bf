"""Bringing model files, as jobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tierwise.errors import InvalidInput
from tierwise.models import (
    DownloadProgress,
    InstalledModel,
    add_file,
    card,
    checked_name,
    estimate,
    profile,
    pull,
    pull_url,
)
from tierwise_app.console import Stopped
from tierwise_app.model_files import is_url, may_download, name_after
from tierwise_app.text import duration, size
from tierwise_app.web.desk import Desk
from tierwise_app.web.jobs import Job
from tierwise_app.web.words import raw

PULL = "pull"


def start_pull(desk: Desk, name: str) -> Job:
    """Download a model of the catalogue, or go on with its download.

    Raises:
        TierwiseError: if it cannot even begin.
    """
    known, settings = card(name), desk.settings
    may_download(settings)
    return _start(desk, known.name, lambda told: pull(known.name, home=settings.home, progress=told))


def start_adding(desk: Desk, source: str, name: str, *, sha256: str = "", copy: bool = False) -> Job:
    """Give a model file of one's own a name; a file here is checked before the job begins.

    Args:
        desk: the server's.
        source: a path, or an address.
        name: what to call it; by default after the file.
        sha256: what a download must be.
        copy: copy a local file instead of linking to it.

    Raises:
        TierwiseError: if it cannot even begin.
    """
    settings, source = desk.settings, source.strip()
    if not source:
        raise InvalidInput("No file is named.", fix="Give its path, or an https address.")
    called = checked_name(name.strip() or name_after(source))
    if is_url(source):
        may_download(settings)
        return _start(
            desk,
            called,
            lambda told: pull_url(source, called, home=settings.home, sha256=sha256.strip() or None, progress=told),
        )
    path = Path(source).expanduser().absolute()
    if not path.is_file():
        raise InvalidInput(f"{path} is not a file.", fix="Give the path of a .gguf file, or an https address.")
    estimate(path, profile(settings.home, measure=False))  # raises if it is no usable GGUF
    return _start(desk, called, lambda told: add_file(path, called, home=settings.home, copy=copy))


def _start(desk: Desk, title: str, bring: Callable[[Callable[[DownloadProgress], None]], InstalledModel]) -> Job:
    if any(job.title == title and not job.over for job in desk.jobs.of(PULL)):
        raise InvalidInput(f"{title} is being brought already.")

    def work(job: Job) -> InstalledModel:
        job.tell(raw("models.pull.begins"))

        def told(step: DownloadProgress) -> None:
            if not job.wanted:
                raise Stopped(raw("models.pull.kept"))
            job.tell(progress_text(step), step.done / step.total if step.total else None)

        return bring(told)

    return desk.jobs.start(PULL, title, work)


def progress_text(step: DownloadProgress) -> str:
    """Bytes, speed and remaining time, as plain text."""
    parts = [f"{size(step.done)} / {size(step.total)}" if step.total else size(step.done)]
    if step.rate > 0:
        parts.append(f"{size(step.rate)}/s")
    if (left := step.seconds_left) is not None and left > 0:
        parts.append(raw("models.pull.left", time=duration(left * 1000)))
    return ", ".join([*parts, step.note] if step.note else parts)
