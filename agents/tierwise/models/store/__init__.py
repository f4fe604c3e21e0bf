"""Which models there are, which are here, and how they come here."""
