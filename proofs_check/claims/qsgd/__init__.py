"""Random quantisation: QSGD and natural compression."""
