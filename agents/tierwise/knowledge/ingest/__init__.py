"""Bringing documents in: load, read, cut, store, embed; only what is new or changed."""
