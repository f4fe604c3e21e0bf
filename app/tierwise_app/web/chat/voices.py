"""Who speaks: the person, or the tiers."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def person() -> DeltaGenerator:
    """A message of the person."""
    return st.chat_message("user", avatar=":material/person:")


def answerer() -> DeltaGenerator:
    """A message that tiers write."""
    return st.chat_message("assistant", avatar=":material/layers:")
