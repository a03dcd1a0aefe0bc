"""Where an instance's routes and sockets run: in threads of this process, in processes, or in containers."""
