"""Who takes a value out of the program: a rule of ours, or the user's own code."""

from __future__ import annotations

import sys
from types import FrameType

from gradtape.operation import Operation

__all__ = ["AS_IT_IS", "at_work"]

#: Functions of ours that take a bare array and hand it on as it is.
AS_IT_IS = {"mask_of"}

#: Modules through which every call goes.
_BETWEEN = {"gradtape.tensor", "gradtape.calls", "gradtape.writes", "gradtape.sweep"}


def at_work() -> str:
    """The primitive whose value or derivative is being computed; empty in the user's own code.

    For a function of ours that is no primitive, its name.
    """
    frame: FrameType | None = sys._getframe(2)
    ours = ""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        package = module.split(".")[0]
        if package == "gradtape" and not module.startswith("gradtape.source_code"):
            for name in ("self", "primitive"):
                found = frame.f_locals.get(name)
                if isinstance(found, Operation):
                    return found.name
            name = frame.f_code.co_qualname
            if module not in _BETWEEN and ("<locals>" not in name or not ours):
                ours = name
        elif package not in ("gradtape", "numpy", "scipy"):
            return ours
        elif frame.f_code.co_name == "_in_other_words":
            return str(frame.f_locals["primitive"].name)
        frame = frame.f_back
    return ours
