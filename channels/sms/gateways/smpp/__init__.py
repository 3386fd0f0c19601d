"""Straight to an SMSC: SMPP 3.4, with a client of our own.

No public client could be used.  Each was run against the same peers, and the defects found are
regression tests here: windows that are not kept, submissions without an outcome after the SMSC
went away, a lost connection and a refusal that look the same, receipts acknowledged before anybody
has stored them, long answers of two people merged into one, parts sorted 1, 10, 2, octets dropped
by a timeout in the middle of a PDU, no TLS with a checked host name.
"""
