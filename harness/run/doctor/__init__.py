"""Finds out, before any judging, whether the harness and what is to be judged understand each other."""
