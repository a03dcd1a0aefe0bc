"""The fix itself. Read in this order: sender, locator, locations, syncs, webhooks, health_check."""
