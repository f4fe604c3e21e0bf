"""Reading, listing and writing files below one folder."""

from tierwise_tools.files.tools import file_tools

__all__ = ["file_tools"]
