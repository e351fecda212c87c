"""All cures: what covers more of a program is tried first; of equals, what stands first here."""

from __future__ import annotations

from gradtape.explaining.cures.cancellation import CANCELLATION
from gradtape.explaining.cures.entry import Entry
from gradtape.explaining.cures.exponentials import EXPONENTIALS, LOGARITHMS_OF_EXPONENTIALS
from gradtape.explaining.cures.logarithms import LOGARITHMS
from gradtape.explaining.cures.logistic import LOGISTIC, SOFTMAX
from gradtape.explaining.cures.zeros import ZEROS

__all__ = ["TABLE"]

TABLE: tuple[Entry, ...] = (
    *LOGARITHMS_OF_EXPONENTIALS,
    *LOGISTIC,
    *SOFTMAX,
    *EXPONENTIALS,
    *CANCELLATION,
    *ZEROS,
    *LOGARITHMS,
)
