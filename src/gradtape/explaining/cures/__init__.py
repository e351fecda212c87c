"""Cures of gradients that went bad: patterns that are known, and what to write instead."""

from gradtape.explaining.cures.find import Cure, find_cure

__all__ = ["Cure", "find_cure"]
