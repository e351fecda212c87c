"""What makes the site out of the pages, the docstrings and the library."""
