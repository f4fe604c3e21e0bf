"""Reading pages of the public web."""

from tierwise_tools.web.connect import Network
from tierwise_tools.web.fetch import fetch_tool
from tierwise_tools.web.follow import Page, get_page

__all__ = ["Network", "Page", "fetch_tool", "get_page"]
