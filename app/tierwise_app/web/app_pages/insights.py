"""The page ``insights``."""

from tierwise_app.web.insights.page import draw

draw()
