"""HTTP itself: an instance's server, its connections, and the wire faults carried out on them."""
