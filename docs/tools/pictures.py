"""The pages' pictures, drawn from the library itself: ``python docs/tools/pictures.py FOLDER``.

Each is drawn twice, for a light and for a dark page; the demo's is as the demo draws it.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import gradtape as gt
import gradtape.tf as tf

__all__ = ["draw_all"]

# Okabe and Ito's colours, which people with any kind of colour vision can tell apart; the second of
# each pair stands out on a dark page.
BLUE, ORANGE = ("#0072B2", "#56B4E9"), ("#D55E00", "#E69F00")
INK, FAINT = ("#222222", "#dddddd"), ("#dddddd", "#484848")
PAGE = ("#ffffff", "#14181e")

STYLE: Any = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "lines.linewidth": 2,
    "svg.hashsalt": "gradtape",
}


def f(w1: Any, w2: Any) -> Any:
    """The notebook's function."""
    return 3 * w1**2 + 2 * w1 * w2


def blues(dark: bool) -> Colormap:
    """From the page's colour to blue."""
    return LinearSegmentedColormap.from_list("blues", [PAGE[dark], BLUE[dark]])


def slope_field(figure: Figure, dark: bool) -> None:
    """The function's contours with its gradients, and a cut through it with its derivatives."""
    left, right = figure.subplots(1, 2)
    grid = np.linspace(-7, 7, 141)
    w1, w2 = np.meshgrid(grid, grid)
    shades = left.contourf(w1, w2, f(w1, w2), levels=18, cmap=blues(dark))
    few = np.meshgrid(np.linspace(-6, 6, 7), np.linspace(-6, 6, 7))
    arrows = gt.grad(lambda w1, w2: np.sum(f(w1, w2)), argnums=(0, 1))(*few)
    left.quiver(*few, *arrows, color="white" if dark else "black", width=0.006, scale=700)
    left.plot(5, 3, "o", color=ORANGE[dark], markersize=9, markeredgecolor="white")
    left.annotate("(5, 3)", (5, 3), (3.9, 2.0), color="white" if dark else "black")
    left.set(xlabel="$w_1$", ylabel="$w_2$", title="$f(w_1, w_2)$, $\\nabla f$", aspect="equal")
    figure.colorbar(shades, ax=left, shrink=0.8)

    slope = gt.grad(f)
    curves = [
        ("$f(w_1, 3)$", f, INK, "-"),
        ("$\\partial f / \\partial w_1$", slope, BLUE, "--"),
        ("$\\partial^2 f / \\partial w_1^2$", gt.grad(slope), ORANGE, ":"),
    ]
    cut = np.linspace(-7, 7, 57)
    for name, function, colour, line in curves:
        right.plot(cut, [function(w, 3.0) for w in cut], line, color=colour[dark], label=name)
    right.plot(5, slope(5.0, 3.0), "o", color=BLUE[dark])
    right.annotate("36", (5, 36), (5.3, 18), color=BLUE[dark])
    right.set(xlabel="$w_1$", title="$w_2 = 3$")
    right.grid(color=FAINT[dark], linewidth=0.6)
    right.legend()


def step_errors(figure: Figure, dark: bool) -> None:
    """The error of difference quotients against their step, and the tape's."""
    axes = figure.subplots()
    steps = np.logspace(-14, 0, 113)
    one_sided = abs((f(5.0 + steps, 3.0) - f(5.0, 3.0)) / steps - 36)
    error = abs(gt.grad(f)(5.0, 3.0) - 36)
    axes.loglog(steps, one_sided, color=ORANGE[dark], label="(f(w1 + eps, w2) − f(w1, w2)) / eps")
    axes.loglog(1e-6, abs((f(5 + 1e-6, 3) - f(5, 3)) / 1e-6 - 36), "o", color=ORANGE[dark])
    axes.set_yscale("symlog", linthresh=1e-10, linscale=0.4)
    axes.plot(steps, np.full(steps.shape, error), "--", color=BLUE[dark], label="tape.gradient")
    axes.set(xlabel="eps", ylabel="|∂f/∂w1 − 36|", ylim=(-2e-11, 30), xlim=(1e-14, 1))
    axes.set_yticks([0, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1])
    axes.grid(color=FAINT[dark], linewidth=0.6)
    axes.legend()


def jacobian(figure: Figure, dark: bool) -> None:
    """The Jacobian of x * x * x, as a matrix."""
    axes = figure.subplots()
    matrix = gt.jacobian(lambda x: x * x * x)(np.array([[4.0, 2.0], [1.0, 3.0]])).reshape(4, 4)
    axes.imshow(np.sqrt(matrix), cmap=blues(dark))
    for (row, column), value in np.ndenumerate(matrix):
        colour = INK[dark] if value < 20 else INK[not dark]
        axes.text(column, row, f"{value:g}", ha="center", va="center", color=colour)
    places = ["[0, 0]", "[0, 1]", "[1, 0]", "[1, 1]"]
    axes.set_xticks(range(4), [f"x{place}" for place in places], rotation=30)
    axes.set_yticks(range(4), [f"y{place}" for place in places])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


@tf.custom_gradient
def better_softplus(z: Any) -> Any:
    """The notebook's cure: a gradient of one's own."""
    exp = tf.exp(z)
    return tf.math.log(exp + 1), lambda g: g / (1 + 1 / exp)


def where_nan(figure: Figure, dark: bool) -> None:
    """For which z each form of softplus has a slope, in single precision."""
    forms: list[tuple[str, Any, Callable[[Any], Any]]] = [
        ("tf.math.log(tf.exp(z) + 1.)", tf, lambda z: tf.math.log(tf.exp(z) + 1.0)),
        (
            "tf.where(z > 30., z, tf.math.log(…))",
            tf,
            lambda z: tf.where(z > 30.0, z, tf.math.log(tf.exp(z) + 1.0)),
        ),
        ("@tf.custom_gradient", tf, better_softplus),
        (
            "np.where(z > 30, z, np.log(…))",
            gt,
            lambda z: np.where(z > 30, z, np.log(np.exp(z) + 1)),
        ),
        ("np.logaddexp(z, 0)", gt, lambda z: np.logaddexp(z, 0)),
    ]
    z = np.linspace(-10, 130, 701, dtype=np.float32)
    axes = figure.subplots()
    for row, (_, face, form) in enumerate(forms):
        x = face.Variable(z)
        with np.errstate(all="ignore"), face.GradientTape() as tape:
            y = form(x)
        slope = tape.gradient(y, x).numpy()
        finite = np.isfinite(slope)
        high = row - 0.38 * np.where(finite, slope, 0)
        axes.fill_between(
            z, row + 0.02, high, where=finite, color=BLUE[dark], alpha=0.3, linewidth=0
        )
        axes.plot(z, np.where(finite, high, np.nan), color=BLUE[dark], linewidth=1.6)
        if not finite.all():
            box = (z[~finite][0], row - 0.38), z[-1] - z[~finite][0], 0.38
            hatch = {"hatch": "////", "edgecolor": ORANGE[dark], "linewidth": 0}
            axes.add_patch(Rectangle(*box, facecolor="none", **hatch))
            page = {"facecolor": PAGE[dark], "edgecolor": "none", "pad": 2}
            text = {"color": ORANGE[dark], "weight": "bold", "bbox": page}
            axes.text(109, row - 0.19, "NaN", ha="center", va="center", **text)
    axes.axvline(np.log(np.finfo(np.float32).max), color=INK[dark], linewidth=1, dashes=(4, 3))
    axes.text(88.2, -0.62, "exp(z) = ∞", ha="right", va="center", color=INK[dark])
    axes.set(xlabel="z", xlim=(z[0], z[-1]), ylim=(4.3, -0.8))
    axes.set_yticks(range(5), [name for name, _, _ in forms], family="monospace", fontsize=10)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


PICTURES: dict[Callable[[Figure, bool], None], tuple[float, float]] = {
    slope_field: (10, 4.1),
    step_errors: (8, 3.6),
    jacobian: (4.4, 3.9),
    where_nan: (9.5, 4.6),
}


def network(path: Path) -> None:
    """The demo's picture, by what the demo does."""
    from gradtape.demo.lesson import History
    from gradtape.demo.network import Network, Settings, housing_data, train
    from gradtape.demo.picture import draw

    settings, data = Settings(), housing_data()
    rng = np.random.default_rng(settings.seed)
    model = Network((8, *settings.hidden, 1), rng, float(data.y_train.mean()))
    history = History()
    for epoch in train(model, data, settings, rng):
        history.add(epoch, model)
    model.restore(history.values)
    draw(path, history.epochs, model.predict(data.x_test), data.y_test)


def draw_all(folder: Path) -> None:
    """Draw what is not in the folder yet, or is older than the library or this file."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = [Path(__file__), *Path(gt.__file__).parent.rglob("*.py")]
    newest = max(path.stat().st_mtime for path in sources)

    def fresh(path: Path) -> bool:
        return path.exists() and path.stat().st_mtime > newest

    for picture, size in PICTURES.items():
        for dark in (False, True):
            path = folder / f"{picture.__name__.replace('_', '-')}{'-dark' * dark}.svg"
            if fresh(path):
                continue
            ink = INK[dark]
            colours = {
                f"{what}.{part}": ink
                for what, part in (
                    ("text", "color"),
                    ("axes", "labelcolor"),
                    ("axes", "titlecolor"),
                    ("axes", "edgecolor"),
                    ("xtick", "color"),
                    ("ytick", "color"),
                )
            }
            with mpl.rc_context(STYLE | colours):
                figure = Figure(figsize=size, layout="constrained")
                FigureCanvasAgg(figure)
                picture(figure, dark)
                figure.savefig(path, transparent=True, metadata={"Date": None})
    if not fresh(folder / "network.png"):
        network(folder / "network.png")


if __name__ == "__main__":
    draw_all(Path(sys.argv[1]))
