"""Sparsification as total error minimisation: the hard threshold, Top-k, and error feedback."""
