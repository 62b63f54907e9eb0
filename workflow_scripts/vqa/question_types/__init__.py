"""The shapes that questions have; a family is a shape with a measure, a margin and words."""
