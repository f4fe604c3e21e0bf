"""The HTTP server under load, under clients that leave and under kills: what its benches share."""
