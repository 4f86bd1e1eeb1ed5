"""Traces, the hop at which a port dies, MTU; analysis is pure apart from sending."""
