"""Figures: one per file, found by scanning this folder; `_report` binds them into a page."""
