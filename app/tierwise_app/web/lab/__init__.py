"""The page ``lab``: what another setting would have changed."""
