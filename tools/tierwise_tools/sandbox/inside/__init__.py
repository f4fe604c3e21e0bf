"""What runs within the sandbox: the standard library only, and nothing of what the outside knows."""
