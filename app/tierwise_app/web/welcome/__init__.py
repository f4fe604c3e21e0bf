"""What an empty first thread shows: what is here, what would be better, what to try."""
