"""What tests share: small models, stand-ins for data, curves of known truth, and whole runs."""
