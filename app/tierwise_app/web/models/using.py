"""Giving a model to a tier."""

from __future__ import annotations

import streamlit as st

from tierwise_app.checks import tiers_in_use
from tierwise_app.web.desk import desk
from tierwise_app.web.dialogs import leave_dialog, open_dialog
from tierwise_app.web.words import plain, say


def draw_use(model: str) -> None:
    """Ask which tier gets a model; the change is shown before it is written."""
    names = [tier.name for tier in tiers_in_use(desk().settings)]
    st.markdown(say("models.use.which", name=model))
    tier = st.radio(say("models.use.tier"), names, format_func=plain, key=f"models.use.tier.{model}")
    with st.container(horizontal=True):
        if st.button(say("models.form.show"), type="primary", icon=":material/difference:", key="models.use.show"):
            entry = {"name": tier, "model": f"llama:{model}"}
            open_dialog("models", "change", wish={"kind": "put", "entry": entry, "editing": tier})
            st.rerun()
        if st.button(say("models.use.new"), key="models.use.new"):
            open_dialog("models", "tier", name=None, local=True, entry={"model": f"llama:{model}"})
            st.rerun()
        if st.button(say("work.cancel"), key="models.use.cancel"):
            leave_dialog("models")
