"""The local network as the equipment would find it: this machine's place, who hands out addresses, who is there, which address is free."""
