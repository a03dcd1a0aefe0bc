"""What is judged and how it is counted: requirements, features, selection, tally, verdict. Pure."""
