"""The page ``prompts``."""

from tierwise_app.web.prompts.page import draw

draw()
