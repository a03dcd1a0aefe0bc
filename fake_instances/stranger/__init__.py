"""A listener that is none of the instances, and what of a secret has reached it."""
