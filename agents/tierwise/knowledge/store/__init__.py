"""Where passages and vectors are kept: SQLite holds the truth, Chroma an index that can be made again."""
