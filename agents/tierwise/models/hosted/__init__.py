"""Hosted models: servers that speak the OpenAI API."""
