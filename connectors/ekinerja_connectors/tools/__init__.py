"""What a vendor runs: new, check, try, record, contract. None of it is imported by a connector."""
