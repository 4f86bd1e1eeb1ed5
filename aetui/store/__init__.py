"""The history of sessions: an SQLite journal, written as a session happens and folded into the same state when it is opened again."""

from aetui.store.history import History, opened
from aetui.store.journal import Journal
from aetui.store.place import StoreError, UnknownSession
from aetui.store.summary import Summary

__all__ = ["History", "Journal", "StoreError", "Summary", "UnknownSession", "opened"]
