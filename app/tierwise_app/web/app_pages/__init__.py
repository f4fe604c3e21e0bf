"""One file a page, as Streamlit wants them; each draws what its package holds."""
