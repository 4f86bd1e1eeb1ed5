"""The listener, the outside confirmation, NAT depth."""
