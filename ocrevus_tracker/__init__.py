"""The composition root: settings, addresses, the worker, and who may sign in."""
