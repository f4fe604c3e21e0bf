"""How an answer is shown: its text, its citations, its reasons, its account."""
