"""What the fix speaks to: the table, the instances, the log, callers; and what it answers them."""
