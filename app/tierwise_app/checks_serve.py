"""The check of the HTTP server: who could ask it, and whether its keys are kept as they should be."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tierwise.errors import TierwiseError
from tierwise_app.checks import Check, failed
from tierwise_app.text import clean, plural

if TYPE_CHECKING:
    from tierwise.config import Settings

_NAME = "server"


def check_serve(settings: Settings) -> Iterator[Check]:
    """What ``tierwise serve`` would do; nothing where it would serve this machine alone, and has no keys."""
    from tierwise_app.serve.guard.places import is_loopback
    from tierwise_app.serve.keys import Keys

    keys, host = Keys(settings.home), settings.serve.host
    try:
        known = keys.all()
    except TierwiseError as error:
        yield failed(_NAME, error)
        return
    if os.name == "posix" and keys.path.exists() and stat.S_IMODE(keys.path.stat().st_mode) & 0o077:
        yield Check(_NAME, "warn", f"{keys.path} can be read by others", f"Run: chmod 600 {keys.path}")
    if not is_loopback(host):
        if known:
            yield Check(_NAME, "ok", f"listens on {clean(host)}, for {plural(len(known), 'key')}")
        else:
            text = f"[serve] has it listen on {clean(host)}, which others can reach, and there is no key"
            yield Check(_NAME, "warn", text, "Make one: tierwise serve keys add NAME")
    elif known:
        yield Check(_NAME, "ok", f"listens on this machine only, for {plural(len(known), 'key')}")
