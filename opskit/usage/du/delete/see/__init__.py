"""What is to be deleted, and who needs it."""
