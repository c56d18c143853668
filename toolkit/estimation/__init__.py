"""Estimating a mean from short messages: schemes, what they cost in bits, and their exact risk.

``poisson_binomial``: the law of the number of ones; ``schemes``: who sends what of a vector of zeros and ones.
"""
