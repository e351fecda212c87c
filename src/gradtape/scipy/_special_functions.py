"""Python functions of ``scipy.special`` that take tensors as they are."""

from __future__ import annotations

from scipy.special import h1vp, h2vp, ivp, jvp, kvp, lambertw, yvp, zeta

__all__ = ["h1vp", "h2vp", "ivp", "jvp", "kvp", "lambertw", "yvp", "zeta"]
