"""Target files: how an implementation says that it is attached."""
