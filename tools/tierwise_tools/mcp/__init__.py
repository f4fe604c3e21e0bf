"""MCP: tools of other programs for our models, and our tools for other programs.

What comes from a server is not believed: its tools are offered only after a person has seen their definitions, and
only as long as these stay as they were.
"""
