"""The page of TensorFlow's names, and how a name that is not here answers."""

import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import gradtape.tf as tf
from gradtape.tf.names import NAMESPACES, REASONS, names_of, page, public_names

PAGE = Path(__file__).parents[1] / "docs" / "tensorflow-names.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m gradtape.tf.names > docs/..."


def test_the_command_prints_the_page_and_needs_neither_tensorflow_nor_scipy():
    code = (
        "import runpy, sys\n"
        "runpy.run_module('gradtape.tf.names', run_name='__main__')\n"
        "assert not {'tensorflow', 'scipy'} & set(sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == page().splitlines()


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_name_that_is_missing_has_a_reason(namespace):
    here, missing = names_of(namespace)
    assert here
    assert sorted([*here, *[n for names in missing.values() for n in names]]) == sorted(
        public_names(namespace)
    )


def test_every_reason_is_needed():
    missing = [
        f"{namespace}.{name}"
        for namespace in NAMESPACES
        for names in names_of(namespace)[1].values()
        for name in names
    ]
    idle = [p for p in REASONS if not any(fnmatchcase(name, p) for name in missing)]
    assert idle == []


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_no_public_name_is_ours_alone(namespace):
    module = tf
    for part in namespace.split(".")[1:]:
        module = getattr(module, part)
    handed_on = {"clip_by_global_norm", "clip_by_norm"} if namespace == "tf.linalg" else set()
    assert set(module.__all__) - set(public_names(namespace)) == handed_on


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_public_name_can_be_had(namespace):
    module = tf
    for part in namespace.split(".")[1:]:
        module = getattr(module, part)
    for name in module.__all__:
        assert getattr(module, name) is getattr(module, name), name
    assert len(module.__all__) == len(set(module.__all__))


@pytest.mark.parametrize(
    ("module", "name", "nearest"),
    [
        (tf, "reduce_summ", "reduce_sum"),
        (tf, "tensor_scatter_nd_updates", "tensor_scatter_nd_update"),
        (tf.nn, "conv2D", "conv2d"),
        (tf.math, "unsorted_segmentsum", "unsorted_segment_sum"),
        (tf.linalg, "choleski", "cholesky"),
        (tf.signal, "rfft_2d", "rfft2d"),
        (tf.random, "stateles_normal", "stateless_normal"),
        (tf.debugging, "assert_equals", "assert_equal"),
        (tf.nest, "map_structures", "map_structure"),
        (tf.math.special, "bessel_j2", "bessel_j1"),
        (tf.test, "compute_gradients", "compute_gradient"),
    ],
)
def test_an_unknown_name_says_which_is_nearest(module, name, nearest):
    with pytest.raises(AttributeError, match=f"no attribute '{name}'; the nearest is '{nearest}'"):
        getattr(module, name)


def test_importing_loads_what_most_programs_need_and_no_more():
    code = "import sys, gradtape.tf as tf; tf.nn.relu([1.0]); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "gradtape.tf.nn" in loaded
    for name in ("convolution", "signal", "factorizations", "special", "debugging", "control"):
        assert f"gradtape.tf.{name}" not in loaded
