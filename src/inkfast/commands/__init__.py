"""What each command does, once its words have been read; prints, and raises `InkfastError`."""
