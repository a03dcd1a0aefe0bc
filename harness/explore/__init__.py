"""Looks for what nobody wrote a scenario for: makes up stories, carries them out, judges, shrinks and hands over."""
