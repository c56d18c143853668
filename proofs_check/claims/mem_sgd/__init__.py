"""Sparsified SGD with memory."""
