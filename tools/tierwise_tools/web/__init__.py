"""Reading pages of the public web."""

from tierwise_tools.web.connect import Network
from tierwise_tools.web.fetch import fetch_tool

__all__ = ["Network", "fetch_tool"]
