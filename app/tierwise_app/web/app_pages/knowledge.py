"""The page ``knowledge``."""

from tierwise_app.web.knowledge.page import draw

draw()
