"""A believable network in namespaces, with real daemons and faults to order. Start with README.md; needs ``python -m tests.lab.enter``."""
