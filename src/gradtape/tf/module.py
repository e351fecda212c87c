"""Module: an object whose variables can be asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gradtape.tf.contexts import name_scope
from gradtape.tf.variables import Variable

__all__ = ["Module"]


class Module:
    """A base for objects that hold variables, in attributes, lists, dicts and other modules.

    Examples
    --------
    >>> import gradtape.tf as tf
    >>> class Line(tf.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope, self.offset = tf.Variable(2.0), tf.Variable(1.0)
    ...
    ...     def __call__(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> with tf.GradientTape() as tape:
    ...     y = line(3.0)
    >>> [v.numpy().item() for v in line.trainable_variables]
    [1.0, 2.0]
    >>> [g.numpy().item() for g in tape.gradient(y, line.trainable_variables)]
    [1.0, 3.0]
    """

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            words = re.sub(
                r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", _class_name(self)
            )
            name = words.lower()
        if not name.isidentifier():
            raise ValueError(
                f"{name!r} is not a valid module name. Module names must be valid Python "
                "identifiers (e.g. a valid class name)."
            )
        self._name = name

    @property
    def name(self) -> str:
        """The name that it was given, or its class's."""
        return getattr(self, "_name", _class_name(self).lower())

    @property
    def name_scope(self) -> Any:
        """A context without effect; see ``tf.name_scope``."""
        return name_scope(self.name)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """All variables: those of attributes by the attributes' names, then those of modules."""
        return tuple(_found(self, lambda x: isinstance(x, Variable)))

    @property
    def trainable_variables(self) -> tuple[Variable, ...]:
        """The variables that tapes watch by themselves."""
        return tuple([v for v in self.variables if v.trainable])

    @property
    def non_trainable_variables(self) -> tuple[Variable, ...]:
        """The other variables."""
        return tuple([v for v in self.variables if not v.trainable])

    @property
    def submodules(self) -> tuple[Module, ...]:
        """All modules inside."""
        return tuple(_found(self, lambda x: isinstance(x, Module)))

    @classmethod
    def with_name_scope(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """The method itself: names have no scopes here."""
        return method


def _class_name(module: Module) -> str:
    return type(module).__name__


def _parts(value: Any) -> list[Any]:
    """What a container holds; of a module its attributes, sorted."""
    if isinstance(value, Module):
        return [v for _, v in sorted(vars(value).items())]
    if isinstance(value, Mapping):
        try:
            return [value[key] for key in sorted(value)]
        except TypeError:
            return list(value.values())
    return list(value) if isinstance(value, (list, tuple)) else []


def _found(module: Module, wanted: Callable[[Any], bool]) -> Iterator[Any]:
    """What is wanted, once each: what a module holds itself before what its modules hold."""
    seen: set[int] = {id(module)}
    waiting = [module]
    while waiting:
        within: list[Any] = _parts(waiting.pop(0))
        inner: list[Module] = []
        while within:
            value = within.pop(0)
            if isinstance(value, (Module, Variable)):
                if id(value) in seen:
                    continue
                seen.add(id(value))
                if wanted(value):
                    yield value
                if isinstance(value, Module):
                    inner.append(value)
            else:
                within[:0] = _parts(value)
        waiting[:0] = inner
