"""Random choice inside the top, and the sparse Bernoulli model it comes from."""
