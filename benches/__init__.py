"""Measurements that print figures and ratios, both sides in one run. ``python -m benches`` runs them all."""
