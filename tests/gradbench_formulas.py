"""What GradBench's evals compute by their definitions, one number after the other."""

import itertools
import math

import numpy as np


def log_posterior(given, alpha, mu, q, lower):
    """By the definition: normal densities, and Wishart's of the inverse covariances."""
    from scipy.stats import wishart

    d, total = given["d"], 0.0
    weights = np.exp(alpha) / np.exp(alpha).sum()
    precisions = []
    for k in range(given["k"]):
        factor = np.diag(np.exp(q[k]))
        entries = iter(lower[k])
        for column in range(d):
            for row in range(column + 1, d):
                factor[row, column] = next(entries)
        precisions.append(factor.T @ factor)
    for x in given["x"]:
        density = 0.0
        for k, precision in enumerate(precisions):
            away = np.array(x) - mu[k]
            scale = math.sqrt(np.linalg.det(precision) / (2 * math.pi) ** d)
            density += weights[k] * scale * math.exp(-away @ precision @ away / 2)
        total += math.log(density)
    prior = wishart(d + given["m"] + 1, np.eye(d) / given["gamma"] ** 2)
    return total + sum(prior.logpdf(p) for p in precisions)


def residuals(unknowns, feature):
    """A camera's, a point's and a weight's two residuals, with SciPy's rotation."""
    from scipy.spatial.transform import Rotation

    rotation, centre, (focal,), principal, bend, point, (weight,) = np.split(
        unknowns, [3, 6, 7, 9, 11, 14]
    )
    seen = Rotation.from_rotvec(rotation).apply(point - centre)
    flat = seen[:2] / seen[2]
    square = flat @ flat
    bent = flat * (1 + bend[0] * square + bend[1] * square**2)
    return weight * (focal * bent + principal - feature)


def lstm_loss(given, main, extra):
    """One time after the other, one number after the other."""

    def sigmoid(x):
        return 1 / (1 + math.exp(-x))

    state = [list(row) for row in given["state"]]
    sequence, size = given["sequence"], len(given["sequence"][0])
    total = 0.0
    for now, after in itertools.pairwise(sequence):
        signal = [now[i] * extra[0][i] for i in range(size)]
        for layer in range(0, len(main), 2):
            hidden, cell = state[layer], state[layer + 1]
            for i in range(size):
                forget, ingate, outgate, change = (
                    (main[layer][i + j * size], main[layer + 1][i + j * size]) for j in range(4)
                )
                keep = sigmoid(signal[i] * forget[0] + forget[1])
                enter = sigmoid(hidden[i] * ingate[0] + ingate[1])
                leave = sigmoid(signal[i] * outgate[0] + outgate[1])
                new = math.tanh(hidden[i] * change[0] + change[1])
                cell[i] = cell[i] * keep + enter * new
                hidden[i] = leave * math.tanh(cell[i])
            signal = hidden
        predicted = [signal[i] * extra[1][i] + extra[2][i] for i in range(size)]
        normaliser = math.log(2 + sum(math.exp(y) for y in predicted))
        total += sum(after[i] * (predicted[i] - normaliser) for i in range(size))
    return -total / (size * (len(sequence) - 1))


def hand_misses(given, theta, us):
    """Bone after bone and vertex after vertex, with SciPy's rotations."""
    from scipy.spatial.transform import Rotation

    data, model = given["data"], given["data"]["model"]
    angles = np.zeros((len(model["parents"]), 3))  # about x, z, y
    for finger in range(5):
        bend, spread, second, third = theta[6 + 4 * finger : 10 + 4 * finger]
        bone = 2 + 4 * finger  # after the wrist and the finger's first bone
        angles[bone], angles[bone + 1, 0], angles[bone + 2, 0] = (bend, spread, 0), second, third
    absolute = []
    for bone, parent in enumerate(model["parents"]):
        x, z, y = angles[bone]
        turn = np.eye(4)
        turn[:3, :3] = Rotation.from_euler("xyz", [x, y, z]).as_matrix()
        local = np.array(model["base_relatives"][bone]) @ turn
        absolute.append(local if parent == -1 else absolute[parent] @ local)
    vertices = []
    for base, weights in zip(model["base_positions"], model["weights"], strict=True):
        place = np.zeros(3)
        for bone, weight in enumerate(weights):
            moved = absolute[bone] @ np.array(model["inverse_base_absolutes"][bone]) @ base
            place += weight * moved[:3]
        if model["is_mirrored"]:
            place[0] *= -1
        vertices.append(Rotation.from_rotvec(theta[:3]).apply(place) + theta[3:6])
    misses = []
    for i, (point, number) in enumerate(zip(data["points"], data["correspondences"], strict=True)):
        if us is None:
            place = vertices[number]
        else:
            a, b, c = (vertices[j] for j in model["triangles"][number])
            place = us[i][0] * a + us[i][1] * b + (1 - us[i][0] - us[i][1]) * c
        misses.append(point - place)
    return np.concatenate(misses)


def descended(cost, slope, x):
    """The descent of `particle` and `saddle`, on lists."""
    rate, down, value, uphill = 1e-5, 0, cost(x), slope(x)
    while math.hypot(*uphill) > 1e-5:
        if down == 10:
            rate, down = rate * 2, 0
        there = [a - rate * b for a, b in zip(x, uphill, strict=True)]
        if math.dist(x, there) <= 1e-5:
            return x
        if cost(there) < value:
            x, value, uphill, down = there, cost(there), slope(there), down + 1
        else:
            rate, down = rate / 2, 0
    return x


def arrived(w):
    """The square of where the particle crosses the x-axis, with the force written out."""
    x, y, speed_x, speed_y = 0.0, 8.0, 0.75, 0.0
    while True:
        push = np.zeros(2)
        for charge in ((10, 10 - w), (10, 0)):
            away = np.array([x - charge[0], y - charge[1]])
            push += away / math.hypot(*away) ** 3
        if y + 0.1 * speed_y <= 0:
            return (x - y / speed_y * speed_x) ** 2
        x, y = x + 0.1 * speed_x, y + 0.1 * speed_y
        speed_x, speed_y = speed_x + 0.1 * push[0], speed_y + 0.1 * push[1]
