"""One protocol a file: they measure and never judge."""
