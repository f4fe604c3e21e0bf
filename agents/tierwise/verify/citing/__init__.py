"""Which span of which passage says what a sentence of an answer says."""
