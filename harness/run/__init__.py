"""One run in pytest: options, hooks, judging, the record of each scenario."""
