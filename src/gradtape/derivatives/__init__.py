"""The rule tables. Importing them fills the registry in ``gradtape.rules``."""

from gradtape.derivatives import (
    elementwise,
    indexing,
    linear_algebra,
    reductions,
    shapes,
)

__all__ = ["elementwise", "indexing", "linear_algebra", "reductions", "shapes"]
