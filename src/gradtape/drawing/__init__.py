"""Pictures of what was recorded."""

from gradtape.drawing.asking import draw, draw_tape
from gradtape.drawing.drawing import Drawing

__all__ = ["Drawing", "draw", "draw_tape"]
