"""The only room with scapy, raw sockets and rights: a helper process (``python -m aetui.packet``) and, for everyone else, ``client``."""
