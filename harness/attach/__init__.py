"""Everything that is outside: implementations, gateways, databases, logs, and how each is reached."""
