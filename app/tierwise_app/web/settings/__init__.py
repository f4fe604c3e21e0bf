"""The page ``settings``: what holds for all turns."""
