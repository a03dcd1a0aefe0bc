"""Checks over a finished history: each passes silently or raises ConformanceFailure. Pure."""
