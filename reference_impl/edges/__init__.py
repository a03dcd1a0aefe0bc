"""What the fix speaks to: the table, the instances, the log and the callers."""
