"""The pages of the people who work at a clinic."""
