"""Broadcaster: one hazard alert in, every language, variant and channel out.

The folders are the architecture; imports run one way
(``cli | server > app > intake > delivery > text | store > model``).
This module stays empty of imports: ``broadcaster --help`` must start in milliseconds.
"""

__version__ = "0.1.0"
