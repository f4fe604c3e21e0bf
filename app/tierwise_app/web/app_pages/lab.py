"""The page ``lab``."""

from tierwise_app.web.lab.page import draw

draw()
