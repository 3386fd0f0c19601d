"""The composition root: builds everything from ``config.yaml`` and does the officer's commands."""
