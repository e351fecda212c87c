"""Derivatives of random programs, computed in every way there is and compared: ``make fuzz``."""
