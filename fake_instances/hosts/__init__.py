"""Where an instance's routes and sockets run: in threads here, in processes, or elsewhere."""
