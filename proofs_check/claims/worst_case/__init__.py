"""Exact rates of compressed methods, as worst cases that are proved from both sides."""
