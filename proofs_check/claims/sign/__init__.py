"""Sign methods: one bit per coordinate, with and without error feedback."""
