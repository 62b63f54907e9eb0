"""The forms in which questions leave the workflow, one file a form, and the card beside them."""
