"""Renders verdicts and histories for people and programs; computes neither."""
