"""Calibration: what the user's own questions teach about when a larger tier is worth its call."""
