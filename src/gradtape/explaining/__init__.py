"""Where a NaN came from, in words: diagnoses of gradients, and the cures that are known."""
