"""How an implementation is started and stopped: one module for each kind of attachment."""
