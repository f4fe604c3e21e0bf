"""The page ``tools``."""

from tierwise_app.web.tools.page import draw

draw()
