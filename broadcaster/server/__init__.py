"""The doors of the daemon: HTTP for everybody, a socket and a spool for officers."""
