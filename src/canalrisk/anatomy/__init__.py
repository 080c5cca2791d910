"""What the labels mean."""
