"""The ``format`` of a string as a pattern: bounded, and never more than what the format allows.

Real dates only (29 February in leap years), because parsers refuse others. Formats that are not here are annotations,
as JSON Schema has it, and bind nothing.
"""

from __future__ import annotations

_LEAP = r"[1-9]\d(?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00"
_DATE = (
    r"(?:[1-9]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    rf"|02-(?:0[1-9]|1\d|2[0-8]))|(?:{_LEAP})-02-29)"
)
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
_DAYS = r"[1-9]\d{0,4}D"
_CLOCK = r"(?:\d{1,4}H(?:\d{1,4}M(?:\d{1,4}S)?)?|\d{1,4}M(?:\d{1,4}S)?|\d{1,4}S)"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL}){{0,4}}"
_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"

FORMATS: dict[str, str] = {
    "date": f"^{_DATE}$",
    "time": f"^{_TIME}$",
    "date-time": f"^{_DATE}T{_TIME}$",
    "duration": rf"^P(?:{_DAYS}|(?:{_DAYS})?T{_CLOCK})$",
    "email": rf"^[a-z0-9]{{1,30}}(?:[._+-][a-z0-9]{{1,20}}){{0,4}}@(?:{_LABEL}\.){{1,3}}[a-z]{{2,10}}$",
    "hostname": f"^{_HOST}$",
    "ipv4": rf"^(?:{_BYTE}\.){{3}}{_BYTE}$",
    "ipv6": r"^(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$",
    "uri": rf"^https?://{_HOST}(?:/[A-Za-z0-9._~-]{{1,40}}){{0,8}}/?$",
    "uuid": r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
}
