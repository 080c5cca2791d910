"""What people see: files, pictures, page."""
