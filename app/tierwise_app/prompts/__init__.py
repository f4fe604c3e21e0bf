"""Prompts that are kept: a person's own, one Markdown file each, and suggested ones that come with tierwise."""

from tierwise_app.prompts.files import read_text, write_text
from tierwise_app.prompts.finding import all_tags, find_prompt, rest_of, search, suggestions
from tierwise_app.prompts.packing import Clash, Imported, export_zip, import_files
from tierwise_app.prompts.prompt import Prompt, Variable, fill, missing, slug
from tierwise_app.prompts.shelf import Broken, Shelf, suggested

__all__ = [
    "Broken",
    "Clash",
    "Imported",
    "Prompt",
    "Shelf",
    "Variable",
    "all_tags",
    "export_zip",
    "fill",
    "find_prompt",
    "import_files",
    "missing",
    "read_text",
    "rest_of",
    "search",
    "slug",
    "suggested",
    "suggestions",
    "write_text",
]
