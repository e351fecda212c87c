"""The command line: ``gradtape demo``, or ``python -m gradtape demo``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from gradtape.demo.lesson import run_lesson
from gradtape.demo.network import Settings
from gradtape.demo.picture import FORMATS
from gradtape.demo.screen import Screen
from gradtape.demo.tour import run_tour

__all__ = ["main"]

#: The status of a program that Ctrl-C ended, as shells count it: 128 + SIGINT.
INTERRUPTED = 130

#: How help shows an option's default.
DEFAULT = "(default: %(default)s)"

#: What the demo imports beyond NumPy; the extra `demo` brings it.
EXTRAS = {"matplotlib": "matplotlib", "rich": "rich", "sklearn": "scikit-learn"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status is returned."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.command is None:
        parser.print_help()
        return 2
    if not options.tour_only and (problem := _problem(options.output)):
        options.parser.error(f"argument --output: '{options.output}' {problem}")
    missing = [package for module, package in EXTRAS.items() if find_spec(module) is None]
    if missing:
        print(
            f"gradtape demo needs {', '.join(missing)}. Install what the demo needs with:\n"
            '    pip install "gradtape[demo]"',
            file=sys.stderr,
        )
        return 1
    try:
        return _demo(options)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # as by `gradtape demo | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _demo(options: argparse.Namespace) -> int:
    """The tour, then the network."""
    screen = Screen(options.language)
    status = 0
    if not options.no_tour:
        status = 0 if run_tour(screen) else 1
    if not options.tour_only:
        settings = Settings(
            hidden=tuple(options.hidden),
            epochs=options.epochs,
            batch_size=options.batch_size,
            learning_rate=options.learning_rate,
            seed=options.seed,
            engine=options.engine,
        )
        status = run_lesson(screen, settings, options.output) or status
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gradtape", description="Automatic differentiation for ordinary NumPy code."
    )
    parser.add_argument("--version", action="version", version=f"gradtape {_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="the notebook's tour, and a network trained on California housing",
        description="Run every cell of the autodiff notebook and compare what it shows; then "
        "train a network on California housing in a loop written by hand over a tape, and draw "
        "its learning curves and its predictions.",
        epilog="Ctrl-C ends the training and keeps what there is: the epochs so far, the best "
        "network among them and the picture. The exit status is 0 when every cell shows what the "
        "notebook shows and the training went to its end; 130 after Ctrl-C.",
    )
    _add_training_options(demo)
    _add_demo_options(demo)
    return parser


def _add_training_options(demo: argparse.ArgumentParser) -> None:
    default = Settings()
    add = demo.add_argument
    add(
        "--epochs",
        type=_whole(1),
        default=default.epochs,
        metavar="N",
        help=f"how often the network sees all examples {DEFAULT}",
    )
    add(
        "--batch-size",
        type=_whole(1),
        default=default.batch_size,
        metavar="N",
        help=f"examples in a step; more than there are means all of them {DEFAULT}",
    )
    add(
        "--hidden",
        type=_whole(1),
        nargs="+",
        default=default.hidden,
        metavar="N",
        help=f"sizes of the hidden layers (default: {' '.join(map(str, default.hidden))})",
    )
    add(
        "--learning-rate",
        type=_rate,
        default=default.learning_rate,
        metavar="X",
        help=f"its highest value; it rises to it, then falls to 0 {DEFAULT}",
    )
    add(
        "--engine",
        choices=("numpy", "llvm"),
        help="trace a step once, by gradtape.function, and run it as a program: faster, and other "
        "numbers after some epochs, for sums are added up in another order (default: plain Python)",
    )
    add(
        "--seed",
        type=_whole(0),
        default=default.seed,
        metavar="N",
        help="of the first weights and of the order of the examples; the same seed gives the same "
        f"numbers {DEFAULT}",
    )


def _add_demo_options(demo: argparse.ArgumentParser) -> None:
    add = demo.add_argument
    add(
        "--output",
        type=Path,
        default="california_housing.png",
        metavar="FILE",
        help=f"the picture's file; it ends in {', '.join(FORMATS)} {DEFAULT}",
    )
    add(
        "--language",
        choices=("en", "zh"),
        default="en",
        help=f"of headings and commentary, English or Chinese {DEFAULT}",
    )
    demo.set_defaults(parser=demo)
    part = demo.add_mutually_exclusive_group()
    part.add_argument("--tour-only", action="store_true", help="no network")
    part.add_argument("--no-tour", action="store_true", help="the network only")


def _whole(least: int) -> Callable[[str], int]:
    """A whole number of at least `least`."""

    def whole(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(
                f"must be a whole number of at least {least}, got {text!r}"
            )
        return number

    return whole


def _rate(text: str) -> float:
    """A positive, finite number."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a positive number, got {text!r}")
    return number


def _problem(picture: Path) -> str | None:
    """Why the picture could not be written, so that no training is lost to a mistyped name."""
    folder = picture.parent
    if picture.suffix.lower() not in FORMATS:
        return f"must end in one of {', '.join(FORMATS)}"
    if not folder.is_dir():
        return f"lies in no folder: make '{folder}', or name another"
    if picture.is_dir():
        return "is a folder; name a file"
    if not os.access(picture if picture.exists() else folder, os.W_OK):
        return "cannot be written: permission denied"
    return None


def _version() -> str:
    try:
        return version("gradtape")
    except PackageNotFoundError:  # run from a source tree
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
