"""What others send reminders with: the same mail to the same people, each by its own means."""
