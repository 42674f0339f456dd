"""Who is treated, and when."""
