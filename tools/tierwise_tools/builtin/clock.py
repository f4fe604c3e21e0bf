"""The time, for models that have none."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tierwise_tools.errors import ToolError
from tierwise_tools.function import tool


@tool(effects="read", trusted=True)
def clock(zone: str = "") -> str:
    """Tell the current date, weekday and time.

    Args:
        zone: a time zone such as Europe/Paris or UTC; empty for that of this machine.
    """
    if not zone.strip():
        now = datetime.now(UTC).astimezone()
    elif zone.strip().upper() == "UTC":
        now = datetime.now(UTC)
    else:
        try:
            now = datetime.now(ZoneInfo(zone.strip()))
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ToolError(f"there is no time zone {zone!r}; write it like Europe/Paris") from error
    return f"{now:%A, %d %B %Y, %H:%M:%S} {now.tzname()} (UTC{now:%z}), ISO {now.isoformat(timespec='seconds')}"
