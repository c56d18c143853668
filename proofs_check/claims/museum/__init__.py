"""Counterexamples: what goes wrong, by which law, and what repairs it."""
