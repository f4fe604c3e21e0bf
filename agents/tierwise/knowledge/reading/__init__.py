"""Files to documents: one reader a format, each run in a child process."""
