"""How much an implementation bears: the largest value of each of several strains at which everything still holds."""
