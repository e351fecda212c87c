"""The reciprocal of the gamma function in twice the precision.

Series that cancel need it as coefficients. Numbers in parentheses are those of the NIST Digital
Library (DLMF).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from gradtape.derivatives.special_pairs import Pair, as_pair, chain, pair_over, pair_product, plus

__all__ = ["reciprocal_gamma"]

#: Of larger ones squares would lose their lower parts.
_LARGEST = 75.0
#: Of 1/Gamma(1 + s) by powers of s (5.7.1).
_DIGITS = (
    "1",
    "0.577215664901532860606512090082402431",
    "-0.655878071520253881077019515145390481",
    "-0.0420026350340952355290039348754298187",
    "0.166538611382291489501700795102105236",
    "-0.0421977345555443367482083012891873913",
    "-0.00962197152787697356211492167234819898",
    "0.00721894324666309954239501034044657271",
    "-0.00116516759185906511211397108401838867",
    "-0.000215241674114950972815729963053647806",
    "0.000128050282388116186153198626328164323",
    "-0.0000201348547807882386556893914210218184",
    "-1.25049348214267065734535947383309224e-6",
    "1.13302723198169588237412962033074494e-6",
    "-2.05633841697760710345015413002057284e-7",
    "6.11609510448141581786249868285534287e-9",
    "5.0020076444692229300556650480599913e-9",
    "-1.18127457048702014458812656543650558e-9",
    "1.04342671169110051049154033231225019e-10",
    "7.78226343990507125404993731136077723e-12",
    "-3.69680561864220570818781587808576624e-12",
    "5.1003702874544759790154813228632318e-13",
    "-2.05832605356650678322242954485523742e-14",
    "-5.34812253942301798237001731872793995e-15",
    "1.22677862823826079015889384662242243e-15",
    "-1.18125930169745876951376458684229783e-16",
    "1.18669225475160033257977724292867407e-18",
    "1.41238065531803178155580394756670904e-18",
    "-2.29874568443537020659247858063369926e-19",
    "1.71440632192733743338396337026725707e-20",
    "1.33735173049369311486478139512226802e-22",
    "-2.0542335517666727893250253513557338e-22",
)
_COEFFICIENTS = as_pair([Fraction(digits) for digits in _DIGITS])


def reciprocal_gamma(z: Pair) -> Pair:
    """1/Gamma of pairs of arrays of one axis, up to 75 in size, else NaN; each only once."""
    different, which = np.unique(np.stack(z), axis=1, return_inverse=True)
    high, low = _reciprocal_gamma((different[0], different[1]))
    return high[which.ravel()], low[which.ravel()]


def _reciprocal_gamma(z: Pair) -> Pair:
    """From beside 1 on by its recurrence (5.5.1)."""
    fits = np.abs(z[0]) <= _LARGEST
    high, low = np.where(fits, z[0], np.nan), np.where(fits, z[1], np.nan)
    whole = np.where(fits, np.rint(high), 0.0)
    rest = plus((high, low), (-whole, 0.0))
    shape = (len(_COEFFICIENTS[0]), *high.shape)
    weights = [np.broadcast_to(c[:, None], shape) for c in _COEFFICIENTS]
    ratios = [np.broadcast_to(part, shape) for part in rest]
    result = chain((ratios[0], ratios[1]), (weights[0], weights[1]))
    zero = np.zeros(high.shape)
    above: Pair = (zero + 1, zero)
    for j in range(1, int(np.max(whole, initial=0))):
        above = _where(j < whole, pair_product(above, plus(rest, (float(j), 0.0))), above)
    for j in range(int(np.min(whole, initial=0)), 1):
        result = _where(j >= whole, pair_product(result, plus(rest, (float(j), 0.0))), result)
    return pair_over(result, above)


def _where(condition: Any, a: Pair, b: Pair) -> Pair:
    return np.where(condition, a[0], b[0]), np.where(condition, a[1], b[1])
