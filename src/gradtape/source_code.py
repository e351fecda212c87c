"""Gradients as readable NumPy source code."""
