"""Pages: each reads the clock once, checks who asks, and makes one call for one act."""
