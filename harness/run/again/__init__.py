"""Failures that slowness may explain: when they are doubted, and how they are judged again."""
