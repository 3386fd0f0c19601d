"""Which characters XML 1.0 (section 2.2) can carry."""

from __future__ import annotations

import re

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Anything that no XML 1.0 document can contain, not even as a character reference."""
