"""The page ``insights``: what the turns add up to."""
