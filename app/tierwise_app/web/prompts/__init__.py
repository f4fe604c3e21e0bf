"""The page ``prompts``: prompts: one's own and suggested ones."""
