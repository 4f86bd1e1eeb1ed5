"""The console: Textual screens, one a file. Imported as aetui.screens; draws the state and holds no truth."""
