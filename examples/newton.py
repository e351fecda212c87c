"""Newton's method on Rosenbrock's function: gradient and Hessian from a tape inside a tape.

H. H. Rosenbrock, "An automatic method for finding the greatest or least value of a function",
The Computer Journal 3 (1960). Its minimum is 0, at (1, 1), at the end of a curved valley.
"""

import numpy as np

import gradtape as gt


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def value_slope_curvature(f, x):
    with gt.GradientTape() as outer:
        with gt.GradientTape() as inner:
            value = f(x)
        slope = inner.gradient(value, x)
    return value.numpy(), slope.numpy(), outer.jacobian(slope, x).numpy()


def minimise(f, start, steps=50, tolerance=1e-10):
    """Newton's steps, each halved until the function falls."""
    x = gt.Variable(start)
    for count in range(1, steps + 1):
        value, slope, hessian = value_slope_curvature(f, x)
        print(f"{count:>2}  f = {value:.3e}  |slope| = {np.linalg.norm(slope):.3e}")
        if np.linalg.norm(slope) < tolerance:
            break
        here, step = x.numpy(), np.linalg.solve(hessian, slope)
        if step @ slope <= 0:  # that way it rises: go straight downhill instead
            step = slope
        while f(here - step) > value:
            step = step / 2
        x.assign(here - step)
    return x.numpy()


if __name__ == "__main__":
    found = minimise(rosenbrock, np.array([-1.2, 1.0]))
    print("minimum at", np.round(found, 12))
