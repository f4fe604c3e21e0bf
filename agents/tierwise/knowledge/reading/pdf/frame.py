"""Boxes and turns on a page, in points with y upwards as PDF has them."""

from __future__ import annotations

Box = tuple[float, float, float, float]  # left, bottom, right, top
Matrix = tuple[float, float, float, float, float, float]
SAME: Matrix = (1, 0, 0, 1, 0, 0)


def turned(box: Box, quarters: int) -> Box:
    """The box in a frame in which text that runs in this direction is upright."""
    x0, y0, x1, y1 = box
    return ((x0, y0, x1, y1), (-y1, x0, -y0, x1), (-x1, -y1, -x0, -y0), (y0, -x1, y1, -x0))[quarters]


def inside(point: tuple[float, float], box: Box) -> bool:
    """Whether a point is in a box or just beside it."""
    return box[0] - 2 <= point[0] <= box[2] + 2 and box[1] - 2 <= point[1] <= box[3] + 2


def share(box: Box, of: Box) -> float:
    """The share of the second box that the first covers, 0 to 1."""
    width = max(0.0, min(box[2], of[2]) - max(box[0], of[0]))
    height = max(0.0, min(box[3], of[3]) - max(box[1], of[1]))
    return width * height / max(1.0, (of[2] - of[0]) * (of[3] - of[1]))


def times(inner: Matrix, outer: Matrix) -> Matrix:
    """First the inner, then the outer."""
    a, b, c, d, e, f = inner
    x, y = applied(outer, e, f)
    return (
        a * outer[0] + b * outer[2],
        a * outer[1] + b * outer[3],
        c * outer[0] + d * outer[2],
        c * outer[1] + d * outer[3],
        x,
        y,
    )


def applied(m: Matrix, x: float, y: float) -> tuple[float, float]:
    """A point that was moved."""
    return m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]


def mapped(box: Box, m: Matrix) -> Box:
    """The box around a box that was moved."""
    corners = [applied(m, x, y) for x in (box[0], box[2]) for y in (box[1], box[3])]
    xs, ys = [c[0] for c in corners], [c[1] for c in corners]
    return min(xs), min(ys), max(xs), max(ys)
