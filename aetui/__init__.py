"""aetui: will this data logger get through this network, and if not, what stands in the way and who mends it.

The engine; it never imports textual or rich. See aetui/README.md for the house: its flow, its floors, and where new things go.
"""

__version__ = "0.1.0"
