"""The management API: what can be ordered of a fleet, over HTTP, on a port of its own."""
