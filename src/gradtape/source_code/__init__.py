"""Gradients as readable NumPy source code that runs by itself."""

from gradtape.source_code.asking import Source, source

__all__ = ["Source", "source"]
