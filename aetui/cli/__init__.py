"""The commands: one file each, thin: arguments in, exit status out."""
