"""Who changed what, and why. Entries are added and never changed."""
