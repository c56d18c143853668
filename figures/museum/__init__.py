"""The museum: one picture per counterexample, and a wall of them all."""
