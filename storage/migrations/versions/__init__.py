"""One script per revision; never changed once released."""
