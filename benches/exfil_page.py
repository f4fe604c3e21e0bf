"""What ``benches.exfil`` serves: answers from a file, drawn by the app, or as bare Markdown to compare with."""

from __future__ import annotations

import json
import os
from pathlib import Path

CASES, WAY, HEADERS, PORT = "EXFIL_CASES", "EXFIL_WAY", "EXFIL_HEADERS", "EXFIL_PORT"


def draw() -> None:
    import streamlit as st

    from tierwise import DecisionRecord
    from tierwise_app.web.answer.body import draw_body

    for line in Path(os.environ[CASES]).read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        with st.container(key=f"case-{case['id']}"):
            if os.environ[WAY] == "app":
                draw_body(
                    DecisionRecord(case["id"], "exfil", "", "done", 0.0, final="quick", text=case["output"]),
                    key=case["id"],
                )
            else:
                st.markdown(case["output"], unsafe_allow_html=os.environ[WAY] == "html")
    st.markdown("all drawn")


def serve(port: int) -> None:
    """The app's own server, with this page in place of the app's."""
    from tierwise_app.web import server

    server.SCRIPT = Path(__file__)
    if os.environ[HEADERS] == "no":
        server._HEADERS.clear()
    server.run(address="127.0.0.1", port=port, browser=False)


if __name__ == "__main__":
    # The server runs this file again, as the page.
    if port := os.environ.pop(PORT, ""):
        serve(int(port))
    else:
        draw()
