"""The officer's commands: a light client of the daemon, or the whole job when none runs."""
