"""Sans-I/O codecs: bytes in, typed records out; no socket, no clock."""
