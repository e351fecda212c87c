"""Which entries of a Jacobian can be other than zero, and how few passes find them all.

``dependence`` composes the pattern from a tape's records; ``colouring`` groups rows or columns that
do not meet; ``found`` keeps both, and takes a grouped derivative apart again; ``compression``
computes that.
"""

from gradtape.patterns.compression import Pass, by_colours, by_groups, cotangents, found_in
from gradtape.patterns.found import Sparsity, check_mode
from gradtape.patterns.library import sparse

__all__ = [
    "Pass",
    "Sparsity",
    "by_colours",
    "by_groups",
    "check_mode",
    "cotangents",
    "found_in",
    "sparse",
]
