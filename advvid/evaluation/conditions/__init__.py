"""The conditions that there are, by file."""
