"""What Streamlit runs at every click: the frame of the app and the page that is open."""

from tierwise_app.web.frame import draw_app

draw_app()
