"""Where probes run from: this machine, a jump host, the embedded site."""
