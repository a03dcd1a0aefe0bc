"""What users, sessions and webhooks are called, and how it is written: words that vary, and unusual ones. Pure."""
