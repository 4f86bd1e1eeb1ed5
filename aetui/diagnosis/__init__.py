"""Pure: observations in, ordered causes out; a file per layer, a function per rule."""
