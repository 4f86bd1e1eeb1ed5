"""The wizard at work: runs what a guide asks for over a vantage, journals every answer and result, and takes a walk up again. No screen, no
terminal.
"""
