"""The museum: problems on which a method fails, each with the exact law of the failure and what repairs it."""
