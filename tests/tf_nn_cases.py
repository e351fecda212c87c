"""Calls of the functions of ``tf.nn`` and ``tf.signal``, for tf_cases."""

import numpy as np

from tests.tf_cases import ALONE, FACTS, V, calls, named


def wave(*shape):
    """Numbers without ties, between -2 and 2."""
    return (2 * np.sin(np.arange(1.0, 1 + np.prod(shape)) ** 1.3)).reshape(shape).tolist()


PICTURE, KERNEL = wave(2, 5, 4, 2), wave(3, 2, 2, 3)
SERIES = wave(2, 7, 2)

named("nn.crelu", V)
for padding in ["SAME", "VALID"]:
    for n, (x, w) in {
        1: (SERIES, wave(3, 2, 3)),
        2: (PICTURE, KERNEL),
        3: (wave(1, 3, 4, 3, 2), wave(2, 3, 2, 2, 2)),
    }.items():
        calls(
            {
                f"nn.conv{n}d {padding}": (
                    lambda tf, x, w, n=n, p=padding: getattr(tf.nn, f"conv{n}d")(
                        x, w, 1 if n < 3 else [1] * 5, p
                    ),
                    x,
                    w,
                ),
                f"nn.conv{n}d {padding} strides": (
                    lambda tf, x, w, n=n, p=padding: getattr(tf.nn, f"conv{n}d")(
                        x, w, 2 if n < 3 else [1, 2, 2, 2, 1], p
                    ),
                    x,
                    w,
                ),
            }
        )
    calls(
        {
            f"nn.convolution {padding}": (
                lambda tf, x, w, p=padding: tf.nn.convolution(x, w, padding=p, dilations=[2, 1]),
                PICTURE,
                KERNEL,
            ),
            f"nn.depthwise_conv2d {padding}": (
                lambda tf, x, w, p=padding: tf.nn.depthwise_conv2d(x, w, [1, 2, 2, 1], p),
                PICTURE,
                KERNEL,
            ),
            f"nn.max_pool2d {padding}": (
                lambda tf, x, p=padding: tf.nn.max_pool2d(x, [3, 2], [2, 1], p),
                PICTURE,
            ),
            f"nn.avg_pool2d {padding}": (
                lambda tf, x, p=padding: tf.nn.avg_pool2d(x, [3, 2], [2, 1], p),
                PICTURE,
            ),
            f"nn.max_pool1d {padding}": (
                lambda tf, x, p=padding: tf.nn.max_pool1d(x, 3, 2, p),
                SERIES,
            ),
            f"nn.avg_pool1d {padding}": (
                lambda tf, x, p=padding: tf.nn.avg_pool1d(x, 3, 2, p),
                SERIES,
            ),
            f"nn.max_pool3d {padding}": (
                lambda tf, x, p=padding: tf.nn.max_pool3d(x, 2, 1, p),
                wave(1, 3, 2, 3, 2),
            ),
            f"nn.avg_pool3d {padding}": (
                lambda tf, x, p=padding: tf.nn.avg_pool3d(x, 2, 1, p),
                wave(1, 3, 2, 3, 2),
            ),
            f"nn.dilation2d {padding}": (
                lambda tf, x, w, p=padding: tf.nn.dilation2d(
                    x, w, [1, 1, 1, 1], p, "NHWC", [1, 1, 1, 1]
                ),
                PICTURE,
                wave(2, 2, 2),
            ),
            f"nn.erosion2d {padding}": (
                lambda tf, x, w, p=padding: tf.nn.erosion2d(
                    x, w, [1, 2, 1, 1], p, "NHWC", [1, 1, 1, 1]
                ),
                PICTURE,
                wave(2, 2, 2),
            ),
            f"nn.conv2d_transpose {padding}": (
                lambda tf, x, w, p=padding: tf.nn.conv2d_transpose(
                    x, w, [1, 5, 5, 2] if p == "SAME" else [1, 7, 6, 2], 2, p
                ),
                wave(1, 3, 3, 3),
                KERNEL,
            ),
        }
    )
calls(
    {
        "nn.conv2d explicit": (
            lambda tf, x, w: tf.nn.conv2d(x, w, [1, 2, 1, 1], [[0, 0], [1, 2], [0, 1], [0, 0]]),
            PICTURE,
            KERNEL,
        ),
        "nn.conv2d dilations": (
            lambda tf, x, w: tf.nn.conv2d(x, w, 1, "SAME", dilations=[2, 1]),
            PICTURE,
            KERNEL,
        ),
        "nn.conv2d groups": (
            lambda tf, x, w: tf.nn.conv2d(x, w, 1, "VALID"),
            wave(1, 3, 3, 4),
            wave(2, 2, 2, 6),
        ),
        "nn.atrous_conv2d": (
            lambda tf, x, w: tf.nn.atrous_conv2d(x, w, 2, "SAME"),
            PICTURE,
            KERNEL,
        ),
        "nn.separable_conv2d": (
            lambda tf, x, d, p: tf.nn.separable_conv2d(x, d, p, [1, 1, 1, 1], "SAME"),
            wave(1, 3, 3, 2),
            wave(2, 2, 2, 2),
            wave(1, 1, 4, 3),
        ),
        "nn.conv1d_transpose": (
            lambda tf, x, w: tf.nn.conv1d_transpose(x, w, [2, 7, 3], 2, "SAME"),
            wave(2, 4, 2),
            wave(3, 3, 2),
        ),
        "nn.conv3d_transpose": (
            lambda tf, x, w: tf.nn.conv3d_transpose(x, w, [1, 4, 3, 2, 2], [1, 2, 1, 1, 1]),
            wave(1, 2, 3, 2, 1),
            wave(2, 2, 1, 2, 1),
        ),
        "nn.conv_transpose": (
            lambda tf, x, w: tf.nn.conv_transpose(x, w, [2, 7, 3], 2),
            wave(2, 4, 2),
            wave(3, 3, 2),
        ),
        "nn.max_pool": (lambda tf, x: tf.nn.max_pool(x, 2, 2, "SAME"), PICTURE),
        "nn.avg_pool": (lambda tf, x: tf.nn.avg_pool(x, 2, 2, "SAME"), SERIES),
        "nn.pool": (lambda tf, x: tf.nn.pool(x, [2], "AVG", dilations=[2]), SERIES),
        "nn.pool max": (lambda tf, x: tf.nn.pool(x, [2, 2], "MAX", [1, 1], "SAME"), PICTURE),
        "nn.max_pool_with_argmax": (
            lambda tf, x: tf.nn.max_pool_with_argmax(x, 2, 2, "SAME")[0],
            PICTURE,
        ),
        "nn.space_to_depth": (lambda tf, x: tf.nn.space_to_depth(x, 2), wave(1, 4, 2, 3)),
        "nn.depth_to_space": (lambda tf, x: tf.nn.depth_to_space(x, 2), wave(1, 2, 1, 8)),
        "nn.space_to_batch": (
            lambda tf, x: tf.nn.space_to_batch(x, [2, 3], [[1, 0], [1, 1]]),
            wave(1, 3, 4, 2),
        ),
        "batch_to_space": (
            lambda tf, x: tf.batch_to_space(x, [2, 3], [[1, 0], [1, 1]]),
            wave(6, 2, 2, 1),
        ),
        "nn.weighted_cross_entropy_with_logits": (
            lambda tf, z, x: tf.nn.weighted_cross_entropy_with_logits(z, x, 2.5),
            [0.0, 1.0, 0.3],
            [-2.0, 4.0, 0.5],
        ),
        "nn.log_poisson_loss": (
            lambda tf, x: tf.nn.log_poisson_loss(tf.ones_like(x) * 3.0, x, True),
            V,
        ),
        "nn.weighted_moments": (
            lambda tf, x, w: tf.concat(tf.nn.weighted_moments(x, [0], w), 0),
            wave(3, 2),
            [[1.0], [2.0], [0.5]],
        ),
        "nn.sufficient_statistics": (
            lambda tf, x: tf.concat(tf.nn.sufficient_statistics(x, [0], 0.5)[1:3], 0),
            wave(3, 2),
        ),
        "nn.normalize_moments": (
            lambda tf, a, b: tf.concat(
                tf.nn.normalize_moments(tf.constant(4.0, a.dtype), a, b, tf.ones_like(a)), 0
            ),
            [1.0, 2.0],
            [8.0, 9.0],
        ),
        "nn.batch_normalization": (
            lambda tf, x, m, v, b, s: tf.nn.batch_normalization(x, m, v, b, s, 0.1),
            wave(3, 2),
            [0.1, 0.2],
            [1.0, 2.0],
            [0.5, -0.5],
            [2.0, 3.0],
        ),
        "nn.local_response_normalization": (
            lambda tf, x: tf.nn.local_response_normalization(x, 1, 1.5, 0.7, 0.6),
            wave(1, 2, 1, 4),
        ),
        "nn.lrn": (lambda tf, x: tf.nn.lrn(x), wave(1, 1, 2, 3)),
        "nn.bias_add": (lambda tf, x, b: tf.nn.bias_add(x, b), wave(2, 3), [1.0, 2.0, 3.0]),
        "nn.dropout": (lambda tf, x: tf.nn.dropout(x, 0.0), V),
        "nn.embedding_lookup": (
            lambda tf, x: tf.nn.embedding_lookup(x, [[1, 0], [1, 1]], max_norm=1.5),
            wave(2, 3),
        ),
        "nn.top_k": (lambda tf, x: tf.nn.top_k(x, 2)[0], V),
    }
)
calls(
    {
        "signal.fft": (
            lambda tf, x, y: tf.math.real(tf.signal.fft(tf.complex(x, y)) ** 2),
            wave(2, 3),
            wave(2, 3),
        ),
        "signal.ifft": (
            lambda tf, x, y: tf.math.imag(tf.signal.ifft(tf.complex(x, y)) ** 2),
            wave(2, 3),
            wave(2, 3),
        ),
        "signal.fft2d": (
            lambda tf, x: tf.abs(tf.signal.fft2d(tf.complex(x, x * x))),
            wave(2, 3),
        ),
        "signal.ifft2d": (
            lambda tf, x: tf.abs(tf.signal.ifft2d(tf.complex(x, x * x))),
            wave(2, 3),
        ),
        "signal.fft3d": (
            lambda tf, x: tf.abs(tf.signal.fft3d(tf.complex(x, x * x))),
            wave(2, 3, 2),
        ),
        "signal.ifft3d": (
            lambda tf, x: tf.abs(tf.signal.ifft3d(tf.complex(x, x * x))),
            wave(2, 3, 2),
        ),
        "signal.rfft": (lambda tf, x: tf.math.real(tf.signal.rfft(x) ** 2), wave(2, 5)),
        "signal.rfft longer": (lambda tf, x: tf.abs(tf.signal.rfft(x, [8])), wave(5)),
        "signal.rfft shorter": (lambda tf, x: tf.abs(tf.signal.rfft(x, [4])), wave(5)),
        "signal.rfft2d": (
            lambda tf, x: tf.math.real(tf.signal.rfft2d(x, [4, 4]) ** 2),
            wave(3, 5),
        ),
        "signal.irfft": (
            lambda tf, x, y: tf.signal.irfft(tf.complex(x, y)),
            wave(2, 4),
            wave(2, 4),
        ),
        "signal.irfft odd": (
            lambda tf, x, y: tf.signal.irfft(tf.complex(x, y), [5]),
            wave(2, 4),
            wave(2, 4),
        ),
        "signal.irfft2d": (
            lambda tf, x, y: tf.signal.irfft2d(tf.complex(x, y)),
            wave(2, 3),
            wave(2, 3),
        ),
        "signal.fftshift": (lambda tf, x: tf.signal.fftshift(x), wave(2, 5)),
        "signal.ifftshift": (lambda tf, x: tf.signal.ifftshift(x, axes=[1]), wave(2, 5)),
        "signal.frame": (lambda tf, x: tf.signal.frame(x, 3, 2, pad_end=True), wave(2, 8)),
        "signal.frame axis": (lambda tf, x: tf.signal.frame(x, 3, 1, axis=0), wave(4, 2)),
        "signal.overlap_and_add": (lambda tf, x: tf.signal.overlap_and_add(x, 2), wave(2, 3, 3)),
        "signal.stft": (lambda tf, x: tf.abs(tf.signal.stft(x, 4, 3)), wave(12)),
        "signal.inverse_stft": (
            lambda tf, x: tf.signal.inverse_stft(
                tf.complex(x, x * x), 6, 2, window_fn=tf.signal.inverse_stft_window_fn(2)
            ),
            wave(3, 5),
        ),
        "signal.idct": (lambda tf, x: tf.signal.idct(x, norm="ortho"), wave(5)),
        "signal.dct cut": (lambda tf, x: tf.signal.dct(x, n=3), wave(2, 5)),
        "signal.dct filled up": (lambda tf, x: tf.signal.dct(x, n=7), wave(2, 5)),
    }
)
for kind in [1, 2, 3, 4]:
    for norm in [None, "ortho"][: 1 if kind == 1 else 2]:
        calls(
            {
                f"signal.dct {kind} {norm}": (
                    lambda tf, x, kind=kind, norm=norm: tf.signal.dct(x, kind, norm=norm),
                    wave(5),
                )
            }
        )

ALONE |= dict.fromkeys(
    ["signal.rfft shorter", "signal.rfft2d", "signal.irfft odd"],
    "TensorFlow's derivative fails where the length is cut, and where an axis of one length is odd",
)

FACTS.update(
    {
        "max_pool2d first of ties": (
            lambda tf: tf.nn.max_pool_with_argmax(tf.ones([1, 2, 2, 1]), 2, 2, "VALID")[1],
            [[[[0]]]],
        ),
        "max_pool_with_argmax": (
            lambda tf: tf.nn.max_pool_with_argmax(
                tf.reshape(tf.range(16.0), [2, 2, 2, 2]), 2, 2, "VALID"
            )[1],
            [[[[6, 7]]], [[[6, 7]]]],
        ),
        "max_pool_with_argmax through the batch": (
            lambda tf: tf.nn.max_pool_with_argmax(
                tf.reshape(tf.range(16.0), [2, 2, 2, 2]),
                2,
                2,
                "VALID",
                include_batch_in_index=True,
            )[1],
            [[[[6, 7]]], [[[14, 15]]]],
        ),
        "avg_pool counts no padding": (
            lambda tf: tf.reshape(
                tf.nn.avg_pool2d(tf.reshape(tf.range(9.0), [1, 3, 3, 1]), 2, 2, "SAME"), [-1]
            ),
            [2.0, 3.5, 6.5, 8.0],
        ),
        "hann_window": (lambda tf: tf.signal.hann_window(4), [0.0, 0.5, 1.0, 0.5]),
        "hann_window odd": (lambda tf: tf.signal.hann_window(3), [0.0, 1.0, 0.0]),
        "hann_window of one": (lambda tf: tf.signal.hann_window(1), [1.0]),
        "moments": (lambda tf: tf.nn.moments(tf.constant([1.0, 3.0]), [0])[1], 1.0),
    }
)
