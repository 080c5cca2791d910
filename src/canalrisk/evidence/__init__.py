"""Every physical and clinical number with its source and status."""
