"""The chat app: a Streamlit face on the SDK's public names."""
