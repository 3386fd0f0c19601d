"""The ways out that come with Broadcaster; each is a plugin found by its entry point."""
