"""Faults on purpose: what is lost, doubled or left behind when things break."""
