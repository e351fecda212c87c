"""Where a NaN came from, in words: diagnoses of gradients, and the cures that are known."""

from gradtape.explaining.causes import CAUSES
from gradtape.explaining.explanation import Explanation, Finding
from gradtape.explaining.questions import explain, explain_tape
from gradtape.explaining.unconnected import REASONS

__all__ = ["CAUSES", "REASONS", "Explanation", "Finding", "explain", "explain_tape"]
