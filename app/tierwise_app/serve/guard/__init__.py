"""What stands before every request: whom it is for, where it comes from, who sends it, how large it is."""
