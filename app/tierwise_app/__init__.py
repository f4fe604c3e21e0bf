"""Every face of tierwise: for now the terminal. It uses the public names of ``tierwise`` only."""
