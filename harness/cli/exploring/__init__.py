"""Commands that look for what nobody wrote a scenario for."""
