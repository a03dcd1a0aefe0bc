"""The pytest plugin of the conformance harness."""
