"""The page ``settings``."""

from tierwise_app.web.settings.page import draw

draw()
