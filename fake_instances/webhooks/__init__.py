"""The webhooks of an instance: made, signed, altered, sent, tried again."""
