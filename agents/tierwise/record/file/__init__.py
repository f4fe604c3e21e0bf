"""The file itself: its tables, how it is opened, what it is checked and mended by, its backups."""
