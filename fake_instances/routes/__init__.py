"""What an instance answers: the gateway's routes, and what becomes of them under faults."""
