"""What the whole suite shares: settings of hypothesis and matplotlib, and Markdown's examples.

Every fenced ``python`` or ``pycon`` block of a Markdown file is run, in order, in one namespace
per file: a block with ``>>>`` as a doctest, any other as a program. A block right after the line
``<!-- not run -->`` is left out.

``GRADTAPE_EXAMPLES=5000 pytest -m fuzz`` looks for failures among more, and random, programs.
``GRADTAPE_TRACED=llvm pytest tests`` runs the tests' programs traced, too (see traced.py).
"""

import doctest
import gc
import io
import os
import re
import traceback
from contextlib import redirect_stdout

import pytest
from hypothesis import settings

# Pictures are drawn into files here, whatever the machine's screen.
os.environ.setdefault("MPLBACKEND", "Agg")
# Programs are compiled anew: a test neither finds what an earlier run left nor leaves anything.
os.environ["GRADTAPE_CACHE"] = "off"

# Deterministic, so that a change and nothing else makes the suite fail; no deadline, for machines
# are slow at times.
settings.register_profile("suite", deadline=None, derandomize=True, max_examples=50)
if "GRADTAPE_EXAMPLES" in os.environ:
    settings.register_profile(
        "long", deadline=None, max_examples=int(os.environ["GRADTAPE_EXAMPLES"])
    )
    settings.load_profile("long")
else:
    settings.load_profile("suite")

BLOCK = re.compile(
    r"^(?P<skip><!-- not run -->\n+)?(?P<fence>```+)(?:python|pycon)\b[^\n]*\n"
    r"(?P<code>.*?)^(?P=fence)[ ]*$",
    re.MULTILINE | re.DOTALL,
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class ExampleError(Exception):
    """An example failed; the message is the whole report."""


class MarkdownExamples(pytest.Item):
    """The examples of one Markdown file, run one after the other."""

    def runtest(self):
        text = self.path.read_text(encoding="utf-8")
        namespace = {"__name__": "__main__"}
        for block in BLOCK.finditer(text):
            if not block["skip"]:
                line = text.count("\n", 0, block.start("code"))
                self._run(block["code"], line, namespace)

    def _run(self, code, line, namespace):
        if ">>>" in code:
            self._run_doctest(code, line, namespace)
            return
        # Empty lines before it make a traceback's line numbers those of the page.
        program = compile("\n" * line + code, str(self.path), "exec")
        try:
            with redirect_stdout(io.StringIO()):
                exec(program, namespace)
        except Exception as error:
            error.__traceback__ = error.__traceback__.tb_next  # without the frame above
            raise ExampleError("".join(traceback.format_exception(error))) from None

    def _run_doctest(self, code, line, namespace):
        # A name of its own for each block: doctest finds the source of a function that an earlier
        # block defined by it.
        name = f"{self.path.name}:{line}"
        test = doctest.DocTestParser().get_doctest(code, namespace, name, str(self.path), line)
        report = io.StringIO()
        runner = doctest.DocTestRunner(verbose=False, optionflags=FLAGS)
        runner.run(test, out=report.write, clear_globs=False)
        if runner.failures:
            raise ExampleError(report.getvalue())
        namespace.update(test.globs)  # the parser copied the namespace

    def repr_failure(self, excinfo):
        if excinfo.errisinstance(ExampleError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, 0, f"examples of {self.path.name}"


class MarkdownFile(pytest.File):
    """A Markdown file with at least one example."""

    def collect(self):
        if BLOCK.search(self.path.read_text(encoding="utf-8")):
            yield MarkdownExamples.from_parent(self, name="examples")


class MarkdownCollector:
    """Collects Markdown files wherever they are."""

    def pytest_collect_file(self, file_path, parent):
        if file_path.suffix == ".md":
            return MarkdownFile.from_parent(parent, path=file_path)
        return None


def pytest_collection_finish():
    # Tens of thousands of tests are no garbage; the collector need not look through them each time.
    gc.collect()
    gc.freeze()


def pytest_configure(config):
    # Hooks of this file itself see nothing outside tests/, and the pages are outside.
    config.pluginmanager.register(MarkdownCollector(), "gradtape-markdown-examples")
    if os.environ.get("GRADTAPE_TRACED"):
        from tests.traced import Tracing

        config.pluginmanager.register(Tracing(os.environ["GRADTAPE_TRACED"]), "gradtape-traced")
