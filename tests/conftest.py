"""Settings shared by all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# Compilation is slow on first use, so no test has a deadline; on CI the examples are the same every time.
settings.register_profile("dev", deadline=None, max_examples=50)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
