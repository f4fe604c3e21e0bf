"""The page ``chat``."""

from tierwise_app.web.chat.page import draw

draw()
