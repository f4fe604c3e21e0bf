"""The machine as models see it."""
