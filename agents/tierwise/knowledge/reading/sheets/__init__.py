"""Spreadsheets and separated values: cells to the tables that people see in them."""

from tierwise.knowledge.reading.sheets.reader import read_sheets

__all__ = ["read_sheets"]
