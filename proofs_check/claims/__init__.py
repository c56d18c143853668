"""Claims, found by scanning: a folder is a group that can be checked by its name, a file one paper or one subject."""
