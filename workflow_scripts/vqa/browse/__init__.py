"""The page on which a person looks through the questions."""
