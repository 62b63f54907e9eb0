"""The types of questions; a family is a type with a measure, phrasings and reasoning."""
