"""How a warning goes out: the channel contract, routing, plan, retry and lanes."""
