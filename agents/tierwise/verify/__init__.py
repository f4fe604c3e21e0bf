"""Verification: evidence in a draft, support by passages, and the verdict."""
