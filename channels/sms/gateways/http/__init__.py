"""SMS through HTTP gateways: one driver, and a data file for each provider."""
