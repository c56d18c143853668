"""Figures: one per file, found by scanning this folder; `report` binds them into pages."""
