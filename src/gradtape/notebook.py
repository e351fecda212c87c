"""The notebook that this project answers: its 25 cells, and what each of them shows.

The cells are the notebook's own, with their import lines changed to ``gradtape``. A ``Session``
runs them one after the other in one namespace and answers with what a notebook would show.
"""

from __future__ import annotations

import ast
import io
import pprint
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CELLS", "Cell", "Session", "display"]

#: A notebook breaks what it displays into lines of at most this length.
WIDTH = 79


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the notebook.

    Parameters
    ----------
    number : its place, from 1.
    heading_en, heading_zh : what it is about, in English and in the notebook's Chinese.
    code : its text.
    shown : what it shows: the lines printed, then the value of its last expression; "" for nothing.
    """

    number: int
    heading_en: str
    heading_zh: str
    code: str
    shown: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", self.code.rstrip("\n"))
        object.__setattr__(self, "shown", self.shown.rstrip("\n"))


def display(value: Any) -> str:
    """The text that a notebook displays for the value of a cell's last expression.

    Examples
    --------
    >>> display(36.0)
    '36.0'
    >>> display(None)
    ''
    """
    return "" if value is None else pprint.pformat(value, width=WIDTH, sort_dicts=False)


@dataclass(slots=True)
class Session:
    r"""A namespace in which cells run one after the other.

    Examples
    --------
    >>> session = Session()
    >>> session.run("a = 3\nprint(a)\na * a")
    '3\n9'
    >>> session.run("a + 1")
    '4'
    """

    namespace: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})

    def run(self, cell: Cell | str) -> str:
        """Run a cell, or code; return what is shown: prints, then the last expression's value.

        What the code raises goes through.
        """
        if isinstance(cell, str):
            code, name = cell, "<cell>"
        else:
            code, name = cell.code, f"<cell {cell.number}>"
        body = ast.parse(code, name).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        value = None
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(ast.Module(body, []), name, "exec"), self.namespace)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), name, "eval"), self.namespace)
        return (printed.getvalue() + display(value)).rstrip("\n")


CELLS: tuple[Cell, ...] = (
    Cell(
        1,
        "Imports",
        "导入",
        """\
import gradtape.tf as tf
import numpy as np
from gradtape.tf import keras
import time
""",
    ),
    Cell(
        2,
        "The data: California housing, split and scaled",
        "数据：加州房价，划分与标准化",
        """\
from gradtape.datasets import fetch_california_housing
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

housing = fetch_california_housing()
#总计20640个样本，每个样本8个属性表示，以及房价作为target，所有属性值均为number
#目标变量：平均房屋价值
#输入变量（特征）：平均收入、住房平均年龄、平均房间、平均卧室、人口、平均占用、纬度和经度

X_train_full, X_test, y_train_full, y_test = train_test_split(
    housing.data, housing.target.reshape(-1, 1), random_state=42)
X_train, X_valid, y_train, y_valid = train_test_split(
    X_train_full, y_train_full, random_state=42)

scaler = StandardScaler()
X_train_scaled = scaler.fit_transform(X_train)
X_valid_scaled = scaler.transform(X_valid)
X_test_scaled = scaler.transform(X_test)
""",
    ),
    Cell(
        3,
        "The shape of one example",
        "单个样本的形状",
        """\
input_shape = X_train.shape[1:]
""",
    ),
    Cell(
        4,
        "Computing gradients by automatic differentiation: a function of two variables",
        "使用自动微分计算梯度：一个二元函数",
        """\
def f(w1, w2):
    return 3 * w1 ** 2 + 2 * w1 * w2
""",
    ),
    Cell(
        5,
        "Approximating each partial derivative: measure how the output changes",
        "通过在调整相应参数时测量函数输出的变化来计算每个偏导的近似值",
        """\
w1, w2 = 5, 3
eps = 1e-6

(f(w1 + eps, w2) - f(w1, w2)) / eps#w1的梯度（函数关于w1的偏导:6*w1+2*w2的近似值）
""",
        """\
36.000003007075065
""",
    ),
    Cell(
        6,
        "One call of f or more for each parameter: tedious for a large network",
        "每个参数至少要调用一次f（），对大型神经网络来说很繁琐",
        """\
(f(w1, w2 + eps) - f(w1, w2)) / eps#w2的梯度（函数关于w2的偏导:2*w1的近似值）
""",
        """\
10.000000003174137
""",
    ),
    Cell(
        7,
        "tf.GradientTape(): a context that records every operation on its variables",
        "tf.GradientTape()：上下文，自动记录其涉及变量的每个操作",
        """\
w1, w2 = tf.Variable(5.), tf.Variable(3.)
with tf.GradientTape() as tape:
    z = f(w1, w2)
""",
    ),
    Cell(
        8,
        "gradient(): exact, and one pass back over what was recorded, for any number of variables",
        "gradient()：结果准确，无论有多少变量，都只经历一次已经记录的计算（反向模式）",
        """\
gradients = tape.gradient(z, [w1, w2],unconnected_gradients='zero')
#针对两个变量[w1,w2]计算z的梯度
gradients
#w1的偏导:6*w1+2*w2=6*5.+2*3.=36.
#w2的偏导:2*w1=2*5.=10.
""",
        """\
[<tf.Tensor: shape=(), dtype=float32, numpy=36.0>,
 <tf.Tensor: shape=(), dtype=float32, numpy=10.0>]
""",
    ),
    Cell(
        9,
        "The tape is erased as soon as gradient() was called",
        "调用tape的gradient（）方法后tape会立即被自动擦除",
        """\
#两次调用tape的gradient（）会报错
with tf.GradientTape() as tape:
    z = f(w1, w2)
    
dz_dw1 = tape.gradient(z, w1,unconnected_gradients='zero')
print(dz_dw1)
try:
    dz_dw2 = tape.gradient(z, w2,unconnected_gradients='zero')
except RuntimeError as ex:
    print(ex)
""",  # noqa: W293
        """\
tf.Tensor(36.0, shape=(), dtype=float32)
A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)
""",
    ),
    Cell(
        10,
        "persistent=True keeps the tape; delete it when done, to free what it holds",
        "设置persistent=True可使得tape有持久性，但需在每次使用完该tape后将其删除以释放资源",
        """\
with tf.GradientTape(persistent=True) as tape:
    z = f(w1, w2)

dz_dw1 = tape.gradient(z, w1,unconnected_gradients='zero')
dz_dw2 = tape.gradient(z, w2,unconnected_gradients='zero')

del tape
""",
    ),
    Cell(
        11,
        "Both gradients from the persistent tape",
        "持久的tape给出的两个梯度",
        """\
(dz_dw1,dz_dw2)
""",
        """\
(<tf.Tensor: shape=(), dtype=float32, numpy=36.0>,
 <tf.Tensor: shape=(), dtype=float32, numpy=10.0>)
""",
    ),
    Cell(
        12,
        "The tape follows variables only: of other tensors there is no gradient",
        "tape仅跟踪涉及Variable变量的操作，对其他张量没有梯度",
        """\
c1, c2 = tf.constant(5.), tf.constant(3.)#创建张量tensor，类似Numpy的ndarray
with tf.GradientTape() as tape:
    z = f(c1, c2)

gradients = tape.gradient(z, [c1, c2],unconnected_gradients='zero')
gradients
""",
        """\
[<tf.Tensor: shape=(), dtype=float32, numpy=0.0>,
 <tf.Tensor: shape=(), dtype=float32, numpy=0.0>]
""",
    ),
    Cell(
        13,
        "watch() makes the tape follow any tensor, as if it were a variable",
        "watch()可强制tape观察任何tensor，就像它们是变量一样",
        """\
with tf.GradientTape() as tape:
    tape.watch(c1)
    tape.watch(c2)
    z = f(c1, c2)

gradients = tape.gradient(z, [c1, c2],unconnected_gradients='zero')
gradients
""",
        """\
[<tf.Tensor: shape=(), dtype=float32, numpy=36.0>,
 <tf.Tensor: shape=(), dtype=float32, numpy=10.0>]
""",
    ),
    Cell(
        14,
        "The gradient of several losses is the gradient of their sum",
        "计算多个损失的梯度时，tf将计算其和的梯度",
        """\
with tf.GradientTape() as tape:
    z1 = f(w1, w2 + 2.)
    z2 = f(w1, w2 + 5.)
    z3 = f(w1, w2 + 7.)

tape.gradient([z1, z2, z3], [w1, w2],unconnected_gradients='zero')
""",
        """\
[<tf.Tensor: shape=(), dtype=float32, numpy=136.0>,
 <tf.Tensor: shape=(), dtype=float32, numpy=30.0>]
""",
    ),
    Cell(
        15,
        "tf.stack(): gradients of each loss, put together",
        "tf.stack()：拼接每个损失的梯度",
        """\
with tf.GradientTape(persistent=True) as tape:
    z1 = f(w1, w2 + 2.)
    z2 = f(w1, w2 + 5.)
    z3 = f(w1, w2 + 7.)

tf.reduce_sum(tf.stack([tape.gradient(z, [w1, w2],unconnected_gradients='zero') 
                        for z in (z1, z2, z3)]), axis=0)
""",  # noqa: W291
        """\
<tf.Tensor: shape=(2,), dtype=float32, numpy=array([136.,  30.], dtype=float32)>
""",
    ),
    Cell(
        16,
        "The tape is deleted",
        "删除tape",
        """\
del tape
""",
    ),
    Cell(
        17,
        "jacobian(): the derivative of every output with respect to every input",
        "jacobian()：获得每个输出对每个输入的单独梯度",
        """\
x = tf.constant([[4, 2],[1, 3]], dtype=tf.dtypes.float32) 
  
with tf.GradientTape() as gfg:
    gfg.watch(x) 
    y = x * x * x 
res  = gfg.jacobian(y, x)  
print("res:",res)
""",  # noqa: W291, W293
        """\
res: tf.Tensor(
[[[[48.  0.]
   [ 0.  0.]]

  [[ 0. 12.]
   [ 0.  0.]]]


 [[[ 0.  0.]
   [ 3.  0.]]

  [[ 0.  0.]
   [ 0. 27.]]]], shape=(2, 2, 2, 2), dtype=float32)
""",
    ),
    Cell(
        18,
        "Second derivatives: the Hessian, by a tape around a tape",
        "二阶导hessian：嵌套的tape",
        """\
#求二阶导hessian
with tf.GradientTape(persistent=True) as hessian_tape:
    with tf.GradientTape() as jacobian_tape:
        z = f(w1, w2)
    jacobians = jacobian_tape.gradient(z, [w1, w2],unconnected_gradients='zero')
hessians = [hessian_tape.gradient(jacobian, [w1, w2],unconnected_gradients='zero')
            for jacobian in jacobians]
del hessian_tape
""",
    ),
    Cell(
        19,
        "The first derivatives",
        "一阶导",
        """\
jacobians
#w1的偏导:6*w1+2*w2=6*5.+2*3.=36.
#w2的偏导:2*w1=2*5.=10.
""",
        """\
[<tf.Tensor: shape=(), dtype=float32, numpy=36.0>,
 <tf.Tensor: shape=(), dtype=float32, numpy=10.0>]
""",
    ),
    Cell(
        20,
        "The second derivatives",
        "二阶导",
        """\
hessians
#w1的偏导:6*w1+2*w2；w1的二阶导：6.，w1的偏导对w2的偏导：2.
#w2的偏导:2*w1=2*5.=10.；w2的偏导对w1的偏导：2.
""",
        """\
[[<tf.Tensor: shape=(), dtype=float32, numpy=6.0>,
  <tf.Tensor: shape=(), dtype=float32, numpy=2.0>],
 [<tf.Tensor: shape=(), dtype=float32, numpy=2.0>,
  <tf.Tensor: shape=(), dtype=float32, numpy=0.0>]]
""",
    ),
    Cell(
        21,
        "tf.stop_gradient(): passes its input on, and lets no gradient back",
        "tf.stop_gradient()：前向返回其输入，反向传播期间不让梯度通过（作用类似于常量）",
        """\
def f(w1, w2):
    return 3 * w1 ** 2 + tf.stop_gradient(2 * w1 * w2)

with tf.GradientTape() as tape:
    z = f(w1, w2)

tape.gradient(z, [w1, w2],unconnected_gradients='zero')#[tensor 30.,None]
#w1的偏导：6*w1+None=6*5.=30.
#w2的偏导：0+None=0
""",
        """\
[<tf.Tensor: shape=(), dtype=float32, numpy=30.0>,
 <tf.Tensor: shape=(), dtype=float32, numpy=0.0>]
""",
    ),
    Cell(
        22,
        "The gradient of my_softplus() at a large input is NaN: infinity over infinity",
        "大数值输入时my_softplus()的梯度为NaN：无穷除以无穷",
        """\
def my_softplus(z): # return value is just tf.nn.softplus(z)
    return tf.math.log(tf.exp(z) + 1.0)

x = tf.Variable(100.)
with tf.GradientTape() as tape:
    z = my_softplus(x)

tape.gradient(z, [x])
""",
        """\
[<tf.Tensor: shape=(), dtype=float32, numpy=nan>]
""",
    ),
    Cell(
        23,
        "The same for a vector",
        "对向量也一样",
        """\
x = tf.Variable([100.])
with tf.GradientTape() as tape:
    z = my_softplus(x)

tape.gradient(z, [x])
""",
        """\
[<tf.Tensor: shape=(1,), dtype=float32, numpy=array([nan], dtype=float32)>]
""",
    ),
    Cell(
        24,
        "tf.custom_gradient: a gradient that is stable, though the output still overflows",
        "tf.custom_gradient：梯度在数值上稳定，但主要输出仍然会爆炸",
        """\
#较大输入值也可获得正确结果，但主要输出仍然会爆炸
@tf.custom_gradient
#修饰my_softplus()函数的梯度的计算，使它返回其正常输出又返回计算导数的函数
def my_better_softplus(z):
    exp = tf.exp(z)
    def my_softplus_gradients(grad):
        print(grad)#1.
        return grad / (1 + 1 / exp)#softplus函数的导数，在数值上稳定
    return tf.math.log(exp + 1), my_softplus_gradients
            #softplus函数（爆炸了）、优化的梯度(softplus的倒数)

x = tf.Variable([1000.])
with tf.GradientTape() as tape:
    z = my_better_softplus(x)

z, tape.gradient(z, [x])
""",
        """\
tf.Tensor([1.], shape=(1,), dtype=float32)
(<tf.Tensor: shape=(1,), dtype=float32, numpy=array([inf], dtype=float32)>,
 [<tf.Tensor: shape=(1,), dtype=float32, numpy=array([1.], dtype=float32)>])
""",
    ),
    Cell(
        25,
        "tf.where returns the input itself where it is large; the gradient is still NaN",
        "在输入较大时用tf.where返回输入本身；梯度仍是NaN",
        """\
#在输入较大时返回输入
def my_better_softplus(z):
    return tf.where(z > 30., z, tf.math.log(tf.exp(z) + 1.))

x = tf.Variable([1000.])
with tf.GradientTape() as tape:
    z = my_better_softplus(x)

z, tape.gradient(z, [x])
""",
        """\
(<tf.Tensor: shape=(1,), dtype=float32, numpy=array([1000.], dtype=float32)>,
 [<tf.Tensor: shape=(1,), dtype=float32, numpy=array([nan], dtype=float32)>])
""",
    ),
)
