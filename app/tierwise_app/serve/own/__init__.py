"""Our own API: turns with every event, threads, approvals, feedback, documents, health, figures."""
