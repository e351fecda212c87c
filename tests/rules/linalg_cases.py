"""Cases of numpy.linalg: systems, determinants, decompositions, norms."""

from typing import Any

import numpy as np

from gradtape.derivatives.linalg_decompositions import singular_if_any
from tests.rules.cases import Case, case

FD: dict[str, Any] = {"dtypes": "fd"}
NEAR: dict[str, Any] = {"dtypes": "fd", "exact": False}
REAL: dict[str, Any] = {"dtypes": "fd", "complex_too": False}

SQUARE = [(3, 3), (2, 3, 3), (1, 1), (2, 2, 2, 2)]


def regular(x: Any) -> Any:
    """A matrix of full rank, far from a singular one."""
    return x * 0.5 + 2 * np.eye(*x.shape[-2:], dtype=x.dtype)


def graded(x: Any) -> Any:
    """A matrix of full rank whose singular values or eigenvalues are far apart."""
    n = min(x.shape[-2:])
    rows, columns = x.shape[-2:]
    diagonal = np.zeros((rows, columns), x.dtype)
    diagonal[range(n), range(n)] = 2 * np.arange(1, n + 1)
    return x * 0.4 + diagonal


def dagger(x: Any) -> Any:
    return np.conjugate(np.swapaxes(x, -1, -2))


def hermitian(x: Any) -> Any:
    y = graded(x)
    return y + dagger(y)


def positive(x: Any) -> Any:
    y = regular(x)
    return y @ dagger(y)


def text(shape: Any) -> str:
    return "x".join(map(str, shape))


def over(key: Any, function: Any, shapes: Any, note: str = "", **options: Any) -> list[Case]:
    """One case per shape of one matrix, or tuple of shapes."""
    made = []
    for shape in shapes:
        several = shape if isinstance(shape[0], tuple) else (shape,)
        label = "-".join([n for n in (note, *map(text, several)) if n])
        made.append(case(key, function, *several, note=label, **options))
    return made


def _solving() -> list[Case]:
    la = np.linalg
    return [
        *over(la.inv, lambda x: la.inv(regular(x)), SQUARE, **FD),
        *over(
            la.solve,
            lambda a, b: la.solve(regular(a), b),
            [
                ((3, 3), (3,)),
                ((3, 3), (3, 2)),
                ((2, 3, 3), (3,)),
                ((2, 3, 3), (3, 2)),
                ((3, 3), (2, 3, 1)),
                ((2, 1, 2, 2), (3, 2, 1)),
            ],
            **FD,
        ),
        case(la.solve, lambda b: la.solve(np.eye(2) * 3, b), (2,), note="bare-matrix", **REAL),
        case(la.solve, lambda a: la.solve(regular(a), [1.0, 2]), (2, 2), note="bare", dtypes="d"),
        case(
            la.tensorsolve,
            lambda a, b: la.tensorsolve(a + 3 * np.eye(6, dtype=a.dtype).reshape(a.shape), b),
            (2, 3, 6),
            (2, 3),
            **FD,
        ),
        case(
            la.tensorsolve,
            lambda a, b: la.tensorsolve(a + 3 * np.eye(4).reshape(2, 4, 2), b, axes=(1,)),
            *((2, 4, 2), (2, 2)),
            note="axes",
            dtypes="d",
        ),
        case(
            la.tensorinv,
            lambda a: la.tensorinv(a + 3 * np.eye(6, dtype=a.dtype).reshape(a.shape)),
            (2, 3, 6),
            **FD,
        ),
        case(la.tensorinv, lambda a: la.tensorinv(a, 1), (3, 3), note="one", **FD),
        *over(
            la.pinv,
            lambda x: la.pinv(regular(x)),
            [(3, 3), (4, 2), (2, 3), (2, 3, 2), (2, 2, 4)],
            **FD,
        ),
        case(la.pinv, lambda x, y: la.pinv(x @ y, 1e-6), (3, 2), (2, 3), note="deficient", **FD),
        case(la.pinv, lambda x: la.pinv(regular(x), rtol=None), (3, 2), note="rtol", **FD),
        case(la.pinv, lambda x: la.pinv(hermitian(x), hermitian=True), (3, 3), note="herm", **FD),
        *_least_squares(),
        *over(la.det, la.det, [*SQUARE, (4, 4)], **FD),
        *over(la.slogdet, lambda x: la.slogdet(regular(x)), SQUARE, **FD),
        case(la.slogdet, lambda x: la.slogdet(x).logabsdet, (3, 3), note="logabsdet", **FD),
        *[
            case(
                la.matrix_power,
                lambda x, n=n: la.matrix_power(regular(x), n),
                shape,
                note=f"{n}-{text(shape)}",
                **NEAR,
            )
            for n in (-2, -1, 0, 1, 2, 3, 5, 6)
            for shape in ((2, 2), (2, 2, 2))
            if n in (-2, 5) or len(shape) == 2
        ],
        *over(
            la.multi_dot,
            lambda *xs: la.multi_dot(xs),
            [
                ((2, 3), (3, 2)),
                ((3,), (3, 2), (2,)),
                ((2, 3), (3, 4), (4, 2)),
                ((3,), (3, 2), (2, 4), (4, 1)),
                ((2, 3), (3, 1), (1, 4), (4, 2), (2,)),
            ],
            **NEAR,
        ),
    ]


def _least_squares() -> list[Case]:
    lstsq = np.linalg.lstsq
    return [
        *over(
            lstsq,
            lambda a, b: lstsq(regular(a), b),
            [((4, 2), (4,)), ((4, 2), (4, 2)), ((2, 3), (2,)), ((3, 3), (3, 2))],
            **FD,
        ),
        case(
            lstsq,
            lambda a, b, y: lstsq(a @ b, y, 1e-6)[0],
            *((4, 2), (2, 3), (4, 2)),
            note="deficient",
            **FD,
        ),
        case(lstsq, lambda a: lstsq(a, np.arange(4.0), -1)[0], (4, 2), note="bare", dtypes="d"),
    ]


def _decompositions() -> list[Case]:
    la = np.linalg
    return [
        *over(la.cholesky, lambda x: la.cholesky(positive(x)), SQUARE, **FD),
        case(la.cholesky, lambda x: la.cholesky(positive(x), upper=True), (3, 3), note="up", **FD),
        case(
            la.cholesky,
            lambda x: la.cholesky(np.tril(graded(x)) + np.triu(np.ones((3, 3), x.dtype), 1)),
            (3, 3),
            note="half",
            **FD,
        ),
        *[
            one
            for mode in ("reduced", "complete", "r")
            for one in over(
                la.qr,
                lambda x, m=mode: la.qr(regular(x), m),
                [(3, 3), (4, 3), (2, 3), (2, 3, 2), (2, 2, 4)]
                if mode != "complete"
                else [(3, 3), (3, 4)],
                note=mode,
                **FD,
            )
        ],
        *over(
            la.qr,
            lambda x: _projector(la.qr(regular(x), "complete")),
            [(4, 2), (2, 3, 1)],
            note="projector",
            **NEAR,
        ),
        *over(la.svd, lambda x: la.svd(graded(x), False), [(3, 3), (4, 2), (2, 3)], **REAL),
        *over(
            la.svd,
            lambda x: _rebuilt(*la.svd(graded(x), False)),
            [(3, 3), (4, 2), (2, 3), (2, 3, 2), (2, 2, 3), (1, 1)],
            note="thin",
            **NEAR,
        ),
        *over(
            singular_if_any,
            lambda x: _rebuilt(*singular_if_any(graded(x), full=False)),
            [(3, 3), (2, 2, 3)],
            **NEAR,
        ),
        *over(
            la.svd,
            lambda x: _null_spaces(*la.svd(graded(x))),
            [(3, 3), (4, 2), (2, 3), (2, 3, 2)],
            note="full",
            **NEAR,
        ),
        *over(
            la.svd,
            lambda x: la.svd(graded(x), compute_uv=False),
            [(3, 3), (4, 2), (2, 2, 3)],
            note="values",
            **FD,
        ),
        *[
            case(
                la.svd,
                lambda x, uv=uv: _sizes_and_projectors(la.svd(hermitian(x), True, uv, True)),
                (3, 3),
                note=f"hermitian-{uv}",
                **NEAR,
            )
            for uv in (True, False)
        ],
        *over(la.svdvals, lambda x: la.svdvals(graded(x)), [(3, 3), (2, 3, 2)], **FD),
        *_eigenvalues(),
    ]


def _projector(qr: Any) -> Any:
    """What does not depend on the basis of the columns behind the first."""
    q, r = qr
    rest = q[..., r.shape[-1] :]
    return rest @ dagger(rest), r


def _rebuilt(u: Any, s: Any, vh: Any) -> Any:
    """What does not depend on the phases."""
    return (u * np.sin(s)[..., None, :]) @ vh, np.abs(u), s


def _null_spaces(u: Any, s: Any, vh: Any) -> Any:
    k = s.shape[-1]
    left, right = u[..., k:], vh[..., k:, :]
    return left @ dagger(left), dagger(right) @ right, np.abs(u[..., :k]), np.abs(vh[..., :k, :])


def _sizes_and_projectors(result: Any) -> Any:
    if not isinstance(result, tuple):
        return result
    u, s, vh = result
    return s, np.abs(u), (u * s[..., None, :] ** 2) @ vh


def _eigenvalues() -> list[Case]:
    la = np.linalg
    return [
        *over(la.eigh, lambda x: la.eigh(hermitian(x)), [(3, 3), (2, 2, 2)], **REAL),
        *over(la.eigh, lambda x: _spectral(*la.eigh(hermitian(x))), SQUARE, note="up", **NEAR),
        case(la.eigh, lambda x: _spectral(*la.eigh(graded(x), "U")), (3, 3), note="half", **NEAR),
        case(la.eigh, lambda x: _spectral(*la.eigh(graded(x))), (3, 3), note="low", **NEAR),
        *over(la.eigvalsh, lambda x: la.eigvalsh(hermitian(x)), SQUARE, **FD),
        case(la.eigvalsh, lambda x: la.eigvalsh(graded(x), "U"), (3, 3), note="half", **FD),
        *over(la.eig, lambda x: _right_pairs(*la.eig(graded(x))), SQUARE, **NEAR),
        case(la.eig, lambda x: la.eig(graded(x)), (3, 3), note="raw", **REAL),
        case(la.eig, lambda x: _right_pairs(*la.eig(_turning(x))), (2, 2), note="turn", **NEAR),
        *over(la.eigvals, lambda x: la.eigvals(graded(x)), SQUARE, **FD),
        case(la.eigvals, lambda x: la.eigvals(_turning(x)), (4, 4), note="turn", **FD),
    ]


def _spectral(w: Any, v: Any) -> Any:
    return w, np.abs(v), (v * np.sin(w)[..., None, :]) @ dagger(v)


def _right_pairs(w: Any, v: Any) -> Any:
    return w, np.abs(v), (v * np.sin(w)[..., None, :]) @ np.linalg.inv(v)


def _turning(x: Any) -> Any:
    """A matrix near a rotation, whose eigenvalues are not real."""
    n = x.shape[-1]
    return x * 0.3 + 3 * np.eye(n, dtype=x.dtype)[::-1] * np.linspace(-2, 3, n).astype(x.dtype)


def _norms() -> list[Case]:
    la = np.linalg
    vectors: list[Any] = [None, 2, 1, np.inf, -np.inf, 0, 3, 1.5, -1, 0.5]
    matrices: list[Any] = [None, "fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf]
    ways: dict[str, Any] = {"one": {"axis": 1}, "kept": {"axis": -3, "keepdims": True}}
    planes: dict[str, Any] = {"two": {"axis": (0, 2)}, "2kept": {"axis": (-1, 0), "keepdims": True}}
    return [
        *[
            case(
                la.norm,
                lambda x, o=o, w=w: la.norm(x, o, **w),
                (3, 2, 2),
                note=f"{o}-{i}",
                **NEAR,
            )
            for orders, kinds in ((vectors, ways), (matrices, planes))
            for o in orders
            for i, w in kinds.items()
        ],
        *[case(la.norm, lambda x, o=o: la.norm(x, o), (3,), note=f"{o}", **NEAR) for o in vectors],
        *[
            case(la.norm, lambda x, o=o: la.norm(x, o), (3, 2), note=f"{o}-2d", **NEAR)
            for o in matrices
        ],
        case(la.norm, lambda x: la.norm(x, keepdims=True), (2, 3, 2), note="all", **NEAR),
        case(la.norm, la.norm, (), note="0d", **FD),
        *[
            case(
                la.vector_norm,
                lambda x, o=o: la.vector_norm(x, **o),
                (2, 3, 2),
                note=f"{i}",
                **NEAR,
            )
            for i, o in enumerate(
                [{}, {"axis": 1, "ord": 3}, {"axis": (2, 0), "keepdims": True}, {"ord": 1}]
            )
        ],
        case(la.matrix_norm, la.matrix_norm, (2, 3, 2), **NEAR),
        case(
            la.matrix_norm,
            lambda x: la.matrix_norm(x, ord="nuc", keepdims=True),
            (2, 3, 2),
            note="nuc",
            **NEAR,
        ),
        *[
            case(la.cond, lambda x, p=p: la.cond(graded(x), p), shape, note=f"{p}-{n}", **NEAR)
            for p in (None, 2, -2, "fro", "nuc", 1, -1, np.inf, -np.inf)
            for n, shape in enumerate([(3, 3), (2, 2, 2)])
            if n == 0 or p in (2, "fro")
        ],
        case(la.cond, lambda x: la.cond(graded(x)), (4, 2), note="tall", **NEAR),
    ]


def _namesakes() -> list[Case]:
    la = np.linalg
    return [
        case(la.cross, la.cross, (3,), (3,), **NEAR),
        case(la.cross, lambda x, y: la.cross(x, y, axis=0), (3, 2), (3, 2), note="axis", **NEAR),
        case(la.diagonal, la.diagonal, (2, 3, 4), **FD),
        case(la.diagonal, lambda x: la.diagonal(x, offset=-1), (3, 4), note="below", **FD),
        case(la.matmul, la.matmul, (2, 3), (3, 2), **NEAR),
        case(la.matrix_transpose, la.matrix_transpose, (2, 3, 4), **FD),
        case(la.outer, la.outer, (3,), (2,), **NEAR),
        case(la.tensordot, lambda x, y: la.tensordot(x, y, axes=1), (2, 3), (3, 2), **NEAR),
        case(la.trace, la.trace, (2, 3, 3), **NEAR),
        case(
            la.trace,
            lambda x: la.trace(x, offset=1, dtype="d"),
            (3, 3),
            note="d",
            dtypes="fd",
            complex_too=False,
            exact=False,
        ),
        case(la.vecdot, la.vecdot, (2, 3), (2, 3), **NEAR),
        case(la.vecdot, lambda x, y: la.vecdot(x, y, axis=0), (2, 3), (2, 3), note="0", **NEAR),
    ]


CASES = [*_solving(), *_decompositions(), *_norms(), *_namesakes()]
