"""``python -m broadcaster`` is the ``broadcaster`` command."""

from broadcaster.cli.main import entry

if __name__ == "__main__":
    entry()
