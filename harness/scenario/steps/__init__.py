"""The phrases of the features."""
