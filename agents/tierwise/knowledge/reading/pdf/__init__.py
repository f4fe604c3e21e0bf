"""PDF: what lies on a page, to lines, tables, columns, paragraphs and headings."""

from tierwise.knowledge.reading.pdf.reader import read_pdf

__all__ = ["read_pdf"]
