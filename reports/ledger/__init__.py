"""What a run leaves for programs: the ledger and its records, read and written strictly."""
