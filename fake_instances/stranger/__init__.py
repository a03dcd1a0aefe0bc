"""The stranger, a listener that is none of the instances, and which secrets reached it."""
