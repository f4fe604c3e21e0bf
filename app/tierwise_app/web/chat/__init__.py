"""The page ``chat``: ask, watch, overrule."""
