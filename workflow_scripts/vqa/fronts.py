"""Which things have a front, so that one can say where they face and what their width is."""

# What has a front that everyone would agree on.
CATEGORIES_WITH_FRONT = frozenset(
    [
        "armchair",
        "cabinet",
        "chair",
        "couch",
        "cupboard",
        "desktop",
        "dresser",
        "dryer",
        "fridge",
        "laptop",
        "machine",
        "microwave",
        "monitor",
        "oven",
        "refrigerator",
        "safe",
        "screen",
        "sofa",
        "television",
        "toilet",
        "tv",
        "wardrobe",
        "washer",
    ]
)


def has_category_front(noun: str) -> bool:
    """Say whether what a noun names has a front that everyone would agree on."""
    return not CATEGORIES_WITH_FRONT.isdisjoint(noun.lower().split())
