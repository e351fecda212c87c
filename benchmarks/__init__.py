"""gradtape timed against hand-written NumPy and other libraries: ``python -m benchmarks``."""
