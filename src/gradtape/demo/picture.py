"""The demo's picture: learning curves, and predicted against true prices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtape.demo.network import Epoch

__all__ = ["FORMATS", "draw", "r_squared"]

#: The formats offered, by the ending of the file's name.
FORMATS = (".png", ".pdf", ".svg")

# Okabe and Ito's colours, which people with any kind of colour vision can tell apart.
BLUE, ORANGE, BLACK, GREY = "#0072B2", "#D55E00", "#222222", "#6f6f6f"

STYLE: Any = {
    "font.size": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "xtick.color": BLACK,
    "ytick.color": BLACK,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "gradtape",  # the same file for the same numbers
}


def r_squared(prediction: NDArray[Any], truth: NDArray[Any]) -> float:
    """The part of the variance of `truth` that the prediction explains.

    Examples
    --------
    >>> r_squared(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    0.7857142857142857
    """
    truth = truth.astype(np.float64)
    residual = np.sum((prediction - truth) ** 2)
    return float(1.0 - residual / np.sum((truth - truth.mean()) ** 2))


def draw(
    path: Path, epochs: Sequence[Epoch], prediction: NDArray[Any], truth: NDArray[Any]
) -> None:
    """Write the picture to a file; needs matplotlib.

    Parameters
    ----------
    path : the file, its ending one of `FORMATS`.
    epochs : the training's epochs, at least one.
    prediction, truth : prices of the test examples in 100,000 US dollars, of one shape.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with mpl.rc_context(STYLE):
        layout = ConstrainedLayoutEngine(wspace=0.06, w_pad=0.1, h_pad=0.1)
        figure = Figure(figsize=(11.5, 5.2), dpi=160, layout=layout)
        FigureCanvasAgg(figure)  # needs no screen
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.08))
        _learning_curves(left, epochs)
        _prices(figure, right, prediction.ravel(), truth.ravel())
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _learning_curves(axes: Any, epochs: Sequence[Epoch]) -> None:
    """Training and validation loss, the epoch that is kept marked."""
    numbers = [epoch.number for epoch in epochs]
    best = min(epochs, key=lambda epoch: epoch.validation)
    marker = "o" if len(epochs) < 3 else None
    for name, colour, line in (("training", BLUE, "--"), ("validation", ORANGE, "-")):
        losses = [getattr(epoch, name) for epoch in epochs]
        axes.plot(numbers, losses, line, color=colour, marker=marker, label=name, linewidth=1.8)
    axes.plot(
        best.number,
        best.validation,
        "o",
        color="white",
        markeredgecolor=ORANGE,
        markeredgewidth=1.8,
        markersize=7.5,
        zorder=5,
        label=f"kept: epoch {best.number}, validation {best.validation:.3f}",
    )
    axes.set(
        title="Learning curves",
        xlabel="Epoch",
        ylabel="Mean squared error, (100,000 US\\$)²",
        xlim=(0, numbers[-1] + max(1, 0.03 * numbers[-1])),
    )
    axes.set_yscale("log")
    bottom, top = axes.get_ylim()
    _plain_log_ticks(axes.yaxis, (1, 2, 5) if top > 10 * bottom else (1, 1.5, 2, 2.5, 3, 4, 5, 7))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="y", which="both", color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.legend(facecolor="white", edgecolor="none", framealpha=1, handlelength=2.2)


def _plain_log_ticks(axis: Any, labelled: Sequence[float]) -> None:
    """Numbers such as 0.3 rather than powers of ten, for losses span less than a decade or two."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=labelled))
    axis.set_minor_locator(LogLocator(subs=range(1, 10)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _prices(figure: Any, axes: Any, prediction: NDArray[Any], truth: NDArray[Any]) -> None:
    """Predicted against true prices, how many there are in each small hexagon."""
    import matplotlib as mpl

    error = float(np.mean((prediction - truth) ** 2))
    low = min(0.0, float(prediction.min()) - 0.1)
    high = max(5.25, float(prediction.max()) + 0.1)
    cells = axes.hexbin(
        truth,
        prediction,
        gridsize=55,
        extent=(low, high, low, high),
        bins="log",
        mincnt=1,
        cmap=mpl.colors.ListedColormap(mpl.colormaps["Blues"](np.linspace(0.28, 1.0, 256))),
        linewidths=0.2,
    )
    label = "predicted = true"
    axes.plot([low, high], [low, high], color=ORANGE, linewidth=1.3, dashes=(5, 3), label=label)
    axes.set(
        title=f"Test prices: MSE {error:.3f}, R² {r_squared(prediction, truth):.3f}",
        xlabel="True median house value (100,000 US\\$)",
        ylabel="Predicted (100,000 US\\$)",
        xlim=(low, high),
        ylim=(low, high),
        aspect="equal",
    )
    axes.legend(frameon=False, loc="upper left")
    axes.text(
        *(0.97, 0.03),
        f"{truth.size:,} block groups\nthe census caps values at 500,001 US\\$",
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        fontsize=9,
        color=GREY,
    )
    bar = figure.colorbar(cells, ax=axes, shrink=0.85, pad=0.03)
    bar.set_label("Block groups in a hexagon")
    bar.outline.set_visible(False)
    _plain_log_ticks(bar.ax.yaxis, (1, 2, 5))
