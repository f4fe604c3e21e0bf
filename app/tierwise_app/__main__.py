"""``python -m tierwise_app`` is ``tierwise``."""

from tierwise_app.cli import main

if __name__ == "__main__":
    main()
