"""The only room with scapy, raw sockets and privileges: a helper process of its own."""
