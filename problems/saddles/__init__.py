"""Problems with strict saddles: Hessian, L, ρ, saddles and minimisers of each in closed form.

Every one is a single function of a single worker, in the basis in which its formulas are short. `Rotated` turns it,
`Spread` gives it to several workers, and `Noisy` adds noise to its gradients; put together in this order.
"""
