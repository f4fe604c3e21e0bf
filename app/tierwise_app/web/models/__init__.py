"""The page ``models``: models and tiers: catalogue, pulling, testing, swapping."""
