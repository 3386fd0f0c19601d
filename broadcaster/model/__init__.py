"""What a warning is.  Imports nothing else of Broadcaster."""
