"""The embedded site: real sockets on loopback, scenarios as data."""
