"""Results for people: text for the terminal and pictures."""
