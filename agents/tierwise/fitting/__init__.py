"""Small statistics in numpy: linear heads, calibration, and the figures that say how good they are."""
