"""``python -m aetui``: the same as the ``aetui`` command."""

from aetui.cli.main import entry

if __name__ == "__main__":
    entry()
