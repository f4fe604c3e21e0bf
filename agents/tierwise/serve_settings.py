"""The ``[serve]`` section: where the HTTP server listens, whom it answers, and what one request may take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from tierwise.callers import Documents
from tierwise.errors import ConfigError

Hold = Literal["verified", "live"]
_NAME = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|\[?[0-9A-Fa-f:.]+\]?)"
_FORMS = {
    "hosts": (re.compile(_NAME), "NAME, without http:// and port"),
    "origins": (re.compile(rf"https?://{_NAME}(?::\d{{1,5}})?"), "https://NAME or https://NAME:PORT"),
}
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}")
_POSITIVE = ("port", "working", "waiting", "body_mb", "drain", "document_mb")


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """The ``[serve]`` section.

    Attributes:
        host: address to listen on; one that is not of this machine alone needs a key.
        port: of that address.
        hosts: names, beside ``localhost`` and addresses of this machine, that requests may be for (header ``Host``).
        origins: web pages that may ask from a browser (header ``Origin``), as ``https://NAME``; none by default.
        models: other names that ``model`` may be, with what each means: ``auto``, ``quick``, ``deep`` or a tier.
        hold: what a stream that names no ``hold`` gets: text once it is ``verified``, or ``live``.
        documents: whether requests of the OpenAI kind that do not say so are answered with documents: ``auto`` uses
            what is found, ``only`` answers from it or not at all, ``off`` does not look.
        working: turns that are worked on at a time.
        waiting: turns that may wait for that; more are sent away for a while.
        body_mb: size of a request's body, in MB, but for documents.
        document_mb: size of a document that is sent to be read, in MB.
        drain: seconds that turns get to come to their end when the server is told to end.
    """

    host: str = "127.0.0.1"
    port: int = 8411
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    hold: Hold = "verified"
    documents: Documents = "auto"
    working: int = 12
    waiting: int = 1024
    body_mb: float = 1.0
    document_mb: float = 50.0
    drain: float = 20.0


def read_serve_settings(data: Any, where: str) -> ServeSettings:
    """The section as it was read from TOML.

    Args:
        data: the section.
        where: its file, for messages.

    Raises:
        ConfigError: naming the key and what is allowed.
    """
    where = f"{where}: serve"
    if not isinstance(data, dict):
        raise ConfigError(f"{where} must be a section, not {data!r}.")
    known = [f.name for f in fields(ServeSettings)]
    if unknown := sorted(set(data) - set(known)):
        raise ConfigError(f"{where}: unknown key {unknown[0]!r}.", fix=f"Known keys: {', '.join(known)}.")
    values = dict(data)
    for key in ("hosts", "origins"):
        words = values.get(key, [])
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            raise ConfigError(f"{where}.{key} must be a list of texts, not {words!r}.")
        values[key] = tuple(words)
        form, example = _FORMS[key]
        if wrong := [word for word in words if not form.fullmatch(word)]:
            raise ConfigError(f"{where}.{key}: {wrong[0]!r} is not written as {example}.")
    models = values.get("models", {})
    if not isinstance(models, dict) or not all(isinstance(word, str) and word for word in models.values()):
        raise ConfigError(f"{where}.models must be a section of names.", fix='Write them as "gpt-4o" = "auto".')
    if wrong := [name for name in models if not _MODEL.fullmatch(name)]:
        raise ConfigError(f"{where}.models: {wrong[0]!r} cannot be the name of a model.", fix="Use letters and digits.")
    for key in _POSITIVE:
        given = values.get(key, 1)
        whole = key in ("port", "working", "waiting")
        if isinstance(given, bool) or not isinstance(given, int if whole else int | float) or not 0 < given < 1e9:
            raise ConfigError(f"{where}.{key} must be a {'whole ' if whole else ''}number above 0, not {given!r}.")
    if values.get("port", 1) > 65535:
        raise ConfigError(f"{where}.port must be at most 65535, not {values['port']!r}.")
    if not isinstance(host := values.get("host", "-"), str) or not host:
        raise ConfigError(f"{where}.host must be an address, not {host!r}.")
    for key, words in (("hold", get_args(Hold)), ("documents", get_args(Documents))):
        if key in values and values[key] not in words:
            raise ConfigError(f"{where}.{key} must be one of {', '.join(words)}, not {values[key]!r}.")
    return ServeSettings(**values)
