"""The page ``tools``: what models may call, and what a person allowed."""
