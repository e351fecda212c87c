"""ht: how far a posed hand is from measured points, and the dense Jacobian of that.

After F. Srajer, Z. Kukelova and A. Fitzgibbon (see gmm), and ADBench
(https://github.com/microsoft/ADBench). A hand has a tree of bones and a mesh whose vertices follow
the bones by weights. Its pose theta is [global rotation vector 3, translation 3, four angles for
each of five fingers]. A point belongs to a vertex or, where there are ``us``, to a place on a
triangle with the barycentric coordinates (u, v, 1 - u - v), which are unknowns too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import gradtape as gt
from benchmarks.gradbench.inputs import Array, Input, InputError, Prepared

FINGERS, JOINTS = 5, 4
#: The first bone of the first finger; the wrist is before it.
FIRST = 1


def joint_angles(bones: int) -> Array:
    """Which entry of [0, theta] each of a bone's angles about x, z and y is.

    A finger is four bones, the first of which does not move against the hand. The next one bends
    and spreads, the two after it bend.
    """
    place = np.zeros((bones, 3), dtype=int)
    for finger in range(FINGERS):
        bone, entry = FIRST + JOINTS * finger, 1 + 6 + 4 * finger
        place[bone + 1, :2] = entry, entry + 1
        place[bone + 2, 0], place[bone + 3, 0] = entry + 2, entry + 3
    return place


def levels(parents: Array) -> list[tuple[Array, Array]]:
    """Bones of equal depth, and where in the depth before it each has its parent."""
    depth = np.zeros(len(parents), dtype=int)
    for bone, parent in enumerate(parents):
        if not -1 <= parent < bone:
            raise InputError("a bone's parent must come before it, and be -1 where there is none")
        depth[bone] = 0 if parent == -1 else depth[parent] + 1
    found, before = [], np.zeros(0, dtype=int)
    for level in range(depth.max() + 1):
        bones = np.flatnonzero(depth == level)
        found.append((bones, np.searchsorted(before, parents[bones])))
        before = bones
    return found


def turned_about_axes(angles: Any) -> Any:
    """Rotations about x, then y, then z, of rows of angles about x, z and y."""
    sine, cosine = np.sin(angles), np.cos(angles)
    sx, sz, sy = sine[:, 0], sine[:, 1], sine[:, 2]
    cx, cz, cy = cosine[:, 0], cosine[:, 1], cosine[:, 2]
    entries = [
        cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx,
        sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx,
        -sy, cy * sx, cy * cx,
    ]  # fmt: skip
    return np.stack(entries, axis=1).reshape(-1, 3, 3)


#: [1 0 0] x, [0 1 0] x and [0 0 1] x as matrices.
CROSS = np.array(
    [[[0, 0, 0], [0, 0, -1], [0, 1, 0]], [[0, 0, 1], [0, 0, 0], [-1, 0, 0]],
     [[0, -1, 0], [1, 0, 0], [0, 0, 0]]], dtype=float,
)  # fmt: skip


def turned(vector: Any) -> Any:
    """The rotation about a vector by its length: Rodrigues' formula, none below 10^-4."""
    angle = np.sqrt(np.sum(vector * vector))
    if angle < 1e-4:
        return np.eye(3)
    axis = vector / angle
    cross = np.tensordot(axis, CROSS, axes=1)
    cosine = np.cos(angle)
    return cosine * np.eye(3) + np.sin(angle) * cross + (1 - cosine) * np.outer(axis, axis)


class Hand:
    """A hand, the measured points, and what of them does not depend on the pose."""

    def __init__(self, data: Input) -> None:
        model = data.part("model")
        parents = model.array("parents", None, dtype=int)
        bones = len(parents)
        if bones < FIRST + JOINTS * FINGERS:
            raise InputError(f"a hand has {FIRST + JOINTS * FINGERS} bones or more, not {bones}")
        self.angles = joint_angles(bones)
        self.levels = levels(parents)
        order = np.concatenate([level for level, _ in self.levels])
        self.relative = model.array("base_relatives", bones, 4, 4)
        self.inverse = model.array("inverse_base_absolutes", bones, 4, 4)[order]
        base = model.array("base_positions", None, 4)
        weights = model.array("weights", len(base), bones)[:, order]
        self.skin = (weights[:, :, None] * base[:, None, :]).reshape(len(base), 4 * bones)
        self.side = np.array([-1.0 if model["is_mirrored"] else 1.0, 1, 1])
        self.points = data.array("points", None, 3)
        self.corresponding = data.array("correspondences", len(self.points), dtype=int)
        self.triangles = model.array("triangles", None, 3, dtype=int)

    def vertices(self, theta: Any) -> Any:
        """Where the vertices of the mesh are in a pose."""
        angles = np.concatenate([np.zeros(1), theta])[self.angles]
        local = np.concatenate(
            [self.relative[:, :, :3] @ turned_about_axes(angles), self.relative[:, :, 3:]], axis=2
        )
        absolute = [local[self.levels[0][0]]]
        for bones, parents in self.levels[1:]:
            absolute.append(absolute[-1][parents] @ local[bones])
        moved = np.concatenate(absolute) @ self.inverse
        skinned = self.skin @ moved[:, :3].transpose(0, 2, 1).reshape(-1, 3)
        return (skinned * self.side) @ turned(theta[:3]).T + theta[3:6]

    def misses(self, theta: Any, us: Any) -> Any:
        """Three residuals for each point; without ``us``, points belong to vertices."""
        vertices = self.vertices(theta)
        if us is None:
            return (self.points - vertices[self.corresponding]).reshape(-1)
        corners = vertices[self.triangles[self.corresponding]]
        u, v = us[:, :1], us[:, 1:]
        place = u * corners[:, 0] + v * corners[:, 1] + (1 - u - v) * corners[:, 2]
        return (self.points - place).reshape(-1)


def given_to(given: Any) -> tuple[Hand, Any, Any]:
    """The hand, theta, and the barycentric coordinates or None."""
    fields = Input(given)
    hand = Hand(fields.part("data"))
    theta = fields.array("theta", 6 + 4 * FINGERS)
    us = np.array(fields["us"], dtype=float)
    if not us.size:
        return hand, theta, None
    if us.size != 2 * len(hand.points):
        raise InputError("input.us must hold two numbers for each of the points")
    return hand, theta, us.reshape(-1, 2)


def prepare_objective(given: Any, compiled: Any) -> Prepared:
    hand, theta, us = given_to(given)
    if us is None:
        return Prepared(compiled(lambda theta: hand.misses(theta, None)), (theta,))
    return Prepared(compiled(hand.misses), (theta, us))


def prepare_jacobian(given: Any, compiled: Any) -> Prepared:
    """The derivatives by theta and, before them, by each point's own two coordinates.

    The other points' coordinates do nothing to a point's residuals: so to move all points' first
    coordinates at once, and all second ones, tells all there is.
    """
    hand, theta, us = given_to(given)
    if us is None:
        by_theta = gt.jacobian(lambda theta: hand.misses(theta, None), mode="forward")
        return Prepared(compiled(by_theta), (theta,))

    def moved(unknowns: Any, us: Any) -> Any:
        return hand.misses(unknowns[2:], us + unknowns[:2])

    unknowns = np.concatenate([np.zeros(2), theta])
    return Prepared(compiled(gt.jacobian(moved, mode="forward")), (unknowns, us))


FUNCTIONS = {"objective": prepare_objective, "jacobian": prepare_jacobian}
