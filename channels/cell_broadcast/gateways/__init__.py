"""Ways from an order to a network, one module or package each."""
