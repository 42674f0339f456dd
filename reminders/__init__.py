"""What is said, to whom, when."""
