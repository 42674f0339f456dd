"""Who signs in, and for which clinic."""
