"""What only some runs are asked for: a part of the features, what failed before, a stop at a failure."""
