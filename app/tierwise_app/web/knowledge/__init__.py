"""The page ``knowledge``: documents: collections, sources, reports."""
