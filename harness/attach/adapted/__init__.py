"""What is attached by an adapter: its hooks, run where the harness would speak to it otherwise."""
