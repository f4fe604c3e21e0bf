"""Heads trained on tables of recorded results of two models."""
