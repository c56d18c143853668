"""Saddle points: how compressed descent escapes them, and what its memory holds."""
