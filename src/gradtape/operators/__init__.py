"""Derivative operators: functions of functions, short uses of the tape and of forward mode."""

from gradtape.operators.gradients import grad, value_and_grad

__all__ = ["grad", "value_and_grad"]
