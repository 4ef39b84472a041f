"""The ledger: what a run of the claims found, as records and never as tensors."""
