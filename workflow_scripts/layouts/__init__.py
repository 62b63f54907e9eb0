"""Layouts of rooms, walls, openings and oriented boxes, and the text formats that hold them."""
