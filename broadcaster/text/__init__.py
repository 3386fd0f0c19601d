"""How a warning is said: hazards, languages, catalogues, composing, laying out, checking."""
