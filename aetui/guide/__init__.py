"""The wizard's pure half: guides as data, the proof that each is whole, and the interpreter that walks them. Opens no socket, reads no clock."""
