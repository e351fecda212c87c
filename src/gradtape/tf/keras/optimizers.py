"""``keras.optimizers``: those of ``gradtape.optimizers``, and ``get``.

Examples
--------
>>> from gradtape.tf import keras
>>> type(keras.optimizers.get("nadam")).__name__
'Nadam'
"""

from typing import Any

from gradtape.optimizers import SGD, Adam, Nadam, Optimizer

__all__ = ["SGD", "Adam", "Nadam", "Optimizer", "get"]

_BY_NAME: dict[str, Any] = {"sgd": SGD, "adam": Adam, "nadam": Nadam}


def get(identifier: Any) -> Any:
    """The optimizer that a name means, with its defaults; an optimizer is given back.

    Raises
    ------
    ValueError : there is none of this name.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    found = _BY_NAME.get(str(identifier).lower())
    if found is None:
        raise ValueError(
            f"keras.optimizers.get: no optimizer {identifier!r}; there are "
            f"{', '.join(sorted(_BY_NAME))}"
        )
    return found()
