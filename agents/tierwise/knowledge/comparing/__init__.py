"""How well a store's questions find their passages, beside plainer ways to search."""
