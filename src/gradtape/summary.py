"""A table of what was recorded: operations, bytes, time."""
