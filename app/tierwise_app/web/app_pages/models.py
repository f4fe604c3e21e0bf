"""The page ``models``."""

from tierwise_app.web.models.page import draw

draw()
