"""Small files in the form of SpatialRGPT-Bench and VSI-Bench, and their pictures."""

from pathlib import Path

from PIL import Image

BOXES = [[10, 10, 30, 30], [60, 40, 90, 70]]


def spatial_row(number: int, question: str, answer: str, category: str, **changes) -> dict:
    kind = "quantitative" if category in ("width_data", "distance_data", "direction") else ""
    return {
        "id": f"s{number}",
        "image_info": {"file_path": "a/b.jpg", "width": 100, "height": 80},
        "text_q": question,
        "qa_info": {"type": kind or "qualitative", "category": category},
        "bbox": BOXES,
        "conversations": [
            {"from": "human", "value": f"<image>\n{question}"},
            {"from": "gpt", "value": answer},
        ],
        **changes,
    }


SPATIAL = [
    spatial_row(0, "Is Region [0] <mask> taller than Region [1] <mask>?",
                "No, Region [0] is not.", "tall_predicate"),
    spatial_row(1, "Between Region [0] and Region [1], which has more height?",
                "Region [1] is taller.", "tall_choice"),
    spatial_row(2, "How wide is Region [0]?", "Region [0] measures 14.5 inches across.",
                "width_data"),
    spatial_row(3, "If you are at Region [0], where will you find Region [1]?",
                "Region [1] is roughly at 4 o'clock from Region [0].", "direction"),
    spatial_row(4, "How far is <region0> from <region1>?", "<region0> is 2.1 m away.",
                "distance_data"),
]  # fmt: skip


def vsi_row(number: int, kind: str, truth: str, options: list[str] | None = None) -> dict:
    return {
        "id": number,
        "dataset": "scannet",
        "scene_name": "scene0001_00",
        "question_type": kind,
        "question": f"What about {kind}?",
        "options": options,
        "ground_truth": truth,
    }


VSI = [
    vsi_row(0, "object_counting", "4"),
    vsi_row(1, "object_abs_distance", "1.5"),
    vsi_row(2, "object_size_estimation", "86"),
    vsi_row(3, "room_size_estimation", "20.5"),
    vsi_row(4, "object_rel_distance", "B", ["A. bed", "B. sofa", "C. lamp", "D. chair"]),
]


def write_pictures(folder: Path) -> Path:
    """Write the picture and the frames that the rows name."""
    (folder / "a").mkdir(parents=True)
    Image.new("RGB", (100, 80), (90, 90, 90)).save(folder / "a/b.jpg")
    frames = folder / "scannet/scene0001_00"
    frames.mkdir(parents=True)
    for number in range(20):
        Image.new("RGB", (64, 48), (10 * number, 0, 0)).save(frames / f"{number:04d}.png")
    return folder
