"""The management API: what can be ordered of a fleet, over HTTP, on its own port."""
