"""Where an API wants its key, and keeping that key out of everything else."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

from tierwise_tools.errors import ToolError
from tierwise_tools.openapi.operation import KeyPlace
from tierwise_tools.openapi.references import References, Unusable

_SHORTEST_HIDDEN = 4  # to hide less would hide every "a"
_HIDDEN = "[hidden]"


def key_place(operation: Mapping[str, Any], references: References) -> KeyPlace | None:
    """Where the key goes; ``None`` where the document says that the operation takes none.

    A document that says nothing of keys gets one as a bearer token, if its owner has given one.

    Raises:
        Unusable: if it needs something else than one key.
    """
    components = references.document.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    known = schemes if isinstance(schemes, dict) else {}
    wanted = operation.get("security", references.document.get("security"))
    if not isinstance(wanted, list):
        wanted = [{name: []} for name in known]
        if not any(_place(known, name, references) for name in known):
            return KeyPlace("bearer")
    alternatives = [list(one) for one in wanted if isinstance(one, dict)]
    for names in alternatives:
        if len(names) == 1 and (place := _place(known, names[0], references)):
            return place
    if not alternatives or [] in alternatives:
        return None
    raise Unusable(f"it needs {' and '.join(alternatives[0])}, and not one key, token or password")


def _place(schemes: dict[str, Any], name: str, references: References) -> KeyPlace | None:
    if name not in schemes:
        return None
    scheme = references.follow(schemes[name], f"the security scheme {name}")
    kind, http = scheme.get("type"), str(scheme.get("scheme", "")).lower()
    if kind == "apiKey" and scheme.get("in") in ("header", "query", "cookie") and isinstance(scheme.get("name"), str):
        return KeyPlace(scheme["in"], scheme["name"])
    if kind in ("oauth2", "openIdConnect") or (kind == "http" and http == "bearer"):
        return KeyPlace("bearer")
    return KeyPlace("basic") if kind == "http" and http == "basic" else None


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A key as it was found in the environment when a call began; it has no ``repr``."""

    secret: str = ""

    @classmethod
    def read(cls, variable: str | None) -> Key:
        """The key in an environment variable; an empty one if none is configured.

        Raises:
            ToolError: naming the variable, if it holds none or one that cannot be sent.
        """
        if variable is None:
            return cls()
        secret = os.environ.get(variable, "").strip()
        if not secret:
            raise ToolError(f"the environment variable {variable} holds no key: its owner has to set it")
        if not re.fullmatch(r"[\x20-\x7e]+", secret):
            raise ToolError(f"the key in the environment variable {variable} has characters that cannot be sent")
        return cls(secret)

    def __bool__(self) -> bool:
        return bool(self.secret)

    def header(self, place: KeyPlace) -> tuple[str, str] | None:
        """Name and value of the header that carries it, ``None`` if it goes into the query."""
        if place.kind == "query":
            return None
        if place.kind == "cookie":
            return "Cookie", f"{place.name}={self.secret}"
        values = {"bearer": f"Bearer {self.secret}", "basic": f"Basic {self._basic()}"}
        return place.name, values.get(place.kind, self.secret)

    def hide(self, text: str) -> str:
        """``text`` without the key, in any of the forms it was or may have been sent in."""
        for form in self._forms():
            text = text.replace(form, _HIDDEN)
        return text

    def hide_bytes(self, data: bytes) -> bytes:
        """The same for a file."""
        for form in self._forms():
            data = data.replace(form.encode(), _HIDDEN.encode())
        return data

    def _basic(self) -> str:
        pair = self.secret if ":" in self.secret else f"{self.secret}:"
        return base64.b64encode(pair.encode()).decode()

    def _forms(self) -> list[str]:
        plain = {self.secret, self.secret.partition(":")[2]}
        forms = {*plain, *map(quote_plus, plain), *(quote(one, safe="") for one in plain)}
        forms |= {json.dumps(one)[1:-1] for one in plain} | ({self._basic()} if self.secret else set())
        return sorted((form for form in forms if len(form) >= _SHORTEST_HIDDEN), key=len, reverse=True)
