"""Calls that cut, scatter, reorder and loop, for tf_cases."""

from tests.tf_cases import ALONE, FACTS, M, V, calls

CUBE = [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[7.0, 8.0, 9.0], [10.0, 11.0, 12.0]]]

calls(
    {
        "identity_n": (lambda tf, x: tf.identity_n([x, x])[0] * 2.0, V),
        "linspace": (lambda tf, a, b: tf.linspace(a, b, 5), 1.0, 3.5),
        "linspace axis": (lambda tf, a, b: tf.linspace(a, b, 3, axis=1), [1.0, 2.0], [3.5, 0.0]),
        "meshgrid": (lambda tf, a, b: tf.meshgrid(a, b, indexing="ij")[0], [1.0, 2.0], [3.0]),
        "meshgrid xy": (lambda tf, a, b: tf.meshgrid(a, b)[1] ** 2, [1.0, 2.0], [3.0, 4.0, 5.0]),
        "slice": (lambda tf, x: tf.slice(x, [0, 1], [2, -1]), M),
        "strided_slice": (
            lambda tf, x: tf.strided_slice(
                x,
                [1, 0, 2, 0],
                [2, 0, 0, 1],
                [1, 1, -1, 1],
                end_mask=4,
                shrink_axis_mask=1,
                new_axis_mask=8,
                ellipsis_mask=2,
            ),
            CUBE,
        ),
        "reverse_sequence": (
            lambda tf, x: tf.reverse_sequence(x, [2, 1], seq_axis=2, batch_axis=0),
            CUBE,
        ),
        "reverse_sequence across": (
            lambda tf, x: tf.reverse_sequence(x, [2, 1, 2], seq_axis=0, batch_axis=2),
            CUBE,
        ),
        "gather batch_dims": (lambda tf, x: tf.gather(x, [[1], [0]], batch_dims=1), CUBE),
        "gather batch_dims axis": (
            lambda tf, x: tf.gather(x, [[2, 0], [1, 1]], batch_dims=1, axis=2),
            CUBE,
        ),
        "gather batch_dims last": (lambda tf, x: tf.gather(x, [1, 0], axis=1, batch_dims=1), CUBE),
        "gather_nd batch_dims": (
            lambda tf, x: tf.gather_nd(x, [[[1, 2]], [[0, 0]]], batch_dims=1),
            CUBE,
        ),
        "scatter_nd": (
            lambda tf, u: tf.scatter_nd([[2, 0], [0, 1], [2, 0]], u, [3, 2]),
            [1.0, 2.0, 3.0],
        ),
        "scatter_nd slices": (lambda tf, u: tf.scatter_nd([[2], [0]], u, [3, 3]), M),
        "tensor_scatter_nd_add": (
            lambda tf, x, u: tf.tensor_scatter_nd_add(x, [[1], [1]], u),
            M,
            M,
        ),
        "tensor_scatter_nd_sub": (
            lambda tf, x, u: tf.tensor_scatter_nd_sub(x, [[1, 2], [0, 0]], u),
            M,
            [5.0, 6.0],
        ),
        "tensor_scatter_nd_update": (
            lambda tf, x, u: tf.tensor_scatter_nd_update(x, [[1, 2], [0, 0]], u),
            M,
            [5.0, 6.0],
        ),
        "tensor_scatter_nd_max": (
            lambda tf, x, u: tf.tensor_scatter_nd_max(x, [[1, 2], [0, 0], [0, 0]], u),
            M,
            [5.0, 6.0, 7.0],
        ),
        "tensor_scatter_nd_min": (
            lambda tf, x, u: tf.tensor_scatter_nd_min(x, [[1, 2], [0, 0], [0, 0]], u),
            M,
            [5.0, 0.6, 0.7],
        ),
        "dynamic_partition": (lambda tf, x: tf.dynamic_partition(x, [1, 0], 2)[1], M),
        "dynamic_stitch": (
            lambda tf, x, y: tf.dynamic_stitch([[3, 5], [[0, 2], [1, 4]]], [x, y]),
            M,
            CUBE,
        ),
        "unique": (lambda tf, x: tf.unique(x)[0], [3.0, 1.0, 2.0]),
        "ensure_shape": (lambda tf, x: tf.ensure_shape(x, [None, 3]), M),
        "while_loop": (
            lambda tf, x: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), [0, x])[1],
            V,
        ),
        "map_fn": (lambda tf, x: tf.map_fn(lambda r: r * r[0], x), M),
        "vectorized_map": (lambda tf, x: tf.vectorized_map(lambda r: r * r[0], x), M),
        "scan": (lambda tf, x: tf.scan(lambda a, r: a * r, x), M),
        "scan reverse": (
            lambda tf, x: tf.scan(lambda a, r: a * r, x, tf.ones_like(x[0]), reverse=True),
            M,
        ),
        "foldl": (lambda tf, x: tf.foldl(lambda a, r: a * a + r, x), M),
        "foldr": (lambda tf, x: tf.foldr(lambda a, r: a * a + r, x), M),
        "cond": (lambda tf, x: tf.cond(x[0] > 0, lambda: x * x, lambda: -x), V),
        "TensorArray": (
            lambda tf, x: tf.TensorArray(x.dtype, 2).write(1, x[0] * x[1]).write(0, x[1]).stack(),
            M,
        ),
    }
)
ALONE["unique"] = "TensorFlow has no derivative of it"

FACTS.update(
    {
        "sequence_mask": (
            lambda tf: tf.sequence_mask([1, 3]),
            [[True, False, False], [True, True, True]],
        ),
        "sequence_mask of floats": (
            lambda tf: tf.sequence_mask([[1], [0]], 2, tf.float32),
            [[[1.0, 0.0]], [[0.0, 0.0]]],
        ),
        "searchsorted": (
            lambda tf: tf.searchsorted([[1.0, 3.0], [2.0, 4.0]], [[3.0], [1.0]], side="right"),
            [[2], [0]],
        ),
        "unique numbers": (lambda tf: tf.unique([5, 3, 5, 1])[1], [0, 1, 0, 2]),
        "unique_with_counts": (lambda tf: tf.unique_with_counts([5, 3, 5])[2], [2, 1]),
        "unravel_index": (lambda tf: tf.unravel_index([5, 1], [2, 3]), [[1, 0], [2, 1]]),
        "bitcast": (lambda tf: tf.bitcast([1.0], tf.int32), [0x3F800000]),
        "bitcast narrower": (lambda tf: tf.bitcast([1], tf.uint8), [[1, 0, 0, 0]]),
        "saturate_cast": (lambda tf: tf.saturate_cast([300.0, -1.0], tf.uint8), [255, 0]),
        "saturate_cast of large": (
            lambda tf: tf.saturate_cast([3e9, -3e9], tf.int32),
            [2147483520, -2147483648],
        ),
        "histogram_fixed_width": (
            lambda tf: tf.histogram_fixed_width([0.0, 0.5, 1.0, 2.0, -1.0], [0.0, 1.0], nbins=4),
            [2, 0, 1, 2],
        ),
        "histogram_fixed_width_bins": (
            lambda tf: tf.histogram_fixed_width_bins([0.0, 0.5, 1.0], [0.0, 1.0], nbins=4),
            [0, 2, 3],
        ),
        "broadcast_dynamic_shape": (lambda tf: tf.broadcast_dynamic_shape([2, 1], [3]), [2, 3]),
        "shape_n": (lambda tf: tf.shape_n([[1.0, 2.0], [3.0]])[1], [1]),
        "scatter_nd of integers": (lambda tf: tf.scatter_nd([[1], [1]], [2, 3], [3]), [0, 5, 0]),
        "switch_case": (
            lambda tf: tf.switch_case(
                tf.constant(5), [lambda: tf.constant(0), lambda: tf.constant(1)]
            ),
            1,
        ),
        "case": (
            lambda tf: tf.case(
                [(tf.constant(False), lambda: tf.constant(0))], lambda: tf.constant(1)
            ),
            1,
        ),
        "get_static_value": (lambda tf: tf.constant(tf.get_static_value(tf.constant([1]))), [1]),
    }
)
