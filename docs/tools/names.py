"""The directive that describes public names: a table of summaries, then each in full."""

import importlib
from collections.abc import Iterator
from types import ModuleType

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

__all__ = ["DESCRIBED", "Names"]

#: The modules whose public names the reference describes.
MODULES = (
    "gradtape",
    "gradtape.datasets",
    "gradtape.optimizers",
    "gradtape.scipy.fft",
    "gradtape.scipy.integrate",
    "gradtape.scipy.interpolate",
    "gradtape.scipy.linalg",
    "gradtape.scipy.optimize",
    "gradtape.scipy.signal",
)


def _own(module: ModuleType) -> list[str]:
    """The public names that are gradtape's, not another library's handed on."""
    modules = {name: getattr(getattr(module, name), "__module__", "") for name in module.__all__}
    return [name for name, where in modules.items() if where.startswith("gradtape")]


def _described() -> Iterator[str]:
    """The full names of all that the reference describes, methods and attributes among them."""
    for name in MODULES:
        module = importlib.import_module(name)
        for public in _own(module):
            yield f"{name}.{public}"
            found = getattr(module, public)
            if isinstance(found, type):
                for base in found.__mro__:
                    if base.__module__.startswith("gradtape"):
                        yield from (
                            f"{name}.{public}.{member}"
                            for member, value in vars(base).items()
                            if not member.startswith("_") and getattr(value, "__doc__", None)
                        )


DESCRIBED = frozenset(_described())


class Names(SphinxDirective):
    """``.. names:: zeros ones`` after ``.. py:module::``; without names, all that the module has.

    With ``:list:`` the names alone, not what they are.
    """

    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = {"list": directives.flag}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """What stands in the directive's place."""
        name = self.env.ref_context["py:module"]
        module = importlib.import_module(name)
        self.env.note_dependency(str(module.__file__))
        names = self.arguments[0].split() if self.arguments else sorted(_own(module))
        lines = []
        if "list" in self.options:
            lines += [", ".join(f"``{name}``" for name in sorted(module.__all__)) + "."]
        else:
            lines += [
                ".. autosummary::",
                "   :nosignatures:",
                "",
                *(f"   {name}" for name in names),
                "",
            ]
            for name in names:
                lines += [f".. auto{self._kind(getattr(module, name))}:: {name}", ""]
            other = sorted({*module.__all__} - {*_own(module)})
            if other and not self.arguments:
                lines += ["SciPy's own, handed on: " + ", ".join(f"``{o}``" for o in other) + "."]
        return self.parse_text_to_nodes("\n".join(lines))

    def _kind(self, found: object) -> str:
        if not isinstance(found, type):
            return "function"
        return "exception" if issubclass(found, BaseException) else "class"
