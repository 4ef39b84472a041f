"""`Ledger` is in `reports.ledger.ledger`; programs that import it from here still find it."""

from reports.ledger.ledger import Ledger

__all__ = ["Ledger"]
