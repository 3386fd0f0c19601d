"""Osmocom's cell-broadcast centre (osmo-cbc): REST, and its console."""
