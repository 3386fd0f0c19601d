"""Straight to 2G base-station controllers: CBSP, 3GPP TS 48.049."""
