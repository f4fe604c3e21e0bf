"""The HTTP server: the OpenAI API in front of the tiers, and an API of our own for turns, threads and documents."""
