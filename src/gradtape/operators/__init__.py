"""Derivative operators: functions of functions, short uses of the tape and of forward mode."""
