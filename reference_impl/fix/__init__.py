"""The fix. Read sender, locator, locations, syncs, webhooks and health_check, in this order."""
