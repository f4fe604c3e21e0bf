"""What the thread so far says about a question: whether it leans back, stays on a tier, or overrules an answer."""
