"""Word documents: the elements of the body, to flowing text with headings, lists and tables."""

from tierwise.knowledge.reading.docx.reader import read_docx

__all__ = ["read_docx"]
