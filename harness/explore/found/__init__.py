"""What is done with a violation: replayed, shrunk, ablated, told, kept as a scenario."""
