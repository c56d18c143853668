"""Claims: one paper or family per file, found by scanning this folder."""
