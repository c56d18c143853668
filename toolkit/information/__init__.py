"""Limits: how small an error a number of bits allows, whatever the compressor.

``gaussian``, ``bernoulli``: closed forms; ``laplace``, ``sparse``: the two other sources of the figures;
``squared_error``: the rate–distortion function of a source on the line, certified; ``fixed_slope``: the finite problem
it is made of; ``curve``: what certified points say between them; ``universal_law``: the worst case over a ball;
``sparse_mean``: what messages of some bits tell of the mean of sparse vectors.
"""
