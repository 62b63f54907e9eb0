"""Records of rooms: what a model that writes rooms is trained and scored on."""
