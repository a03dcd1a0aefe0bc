"""How an implementation is started and stopped: by a command, as an image, at a URL."""
