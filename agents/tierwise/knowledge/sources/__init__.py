"""Where documents come from: files and folders, Git work trees, web pages, connectors."""
