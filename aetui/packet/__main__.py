"""``python -m aetui.packet``: the helper process. Started by ``aetui.packet.client`` alone."""

from aetui.packet.helper import run

if __name__ == "__main__":
    run()
