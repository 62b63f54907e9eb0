"""Records of what was not asked, from counts."""

from collections.abc import Mapping

from workflow_scripts.common.records import DroppedQuestions


def drop_records(counts: Mapping[tuple[str, str, str, str], int]) -> list[DroppedQuestions]:
    """Return sorted records of counts by (source, family, form, reason), none of zero."""
    names = ("source", "family", "form", "reason")
    return [
        DroppedQuestions.model_validate({**dict(zip(names, key, strict=True)), "count": count})
        for key, count in sorted(counts.items())
        if count
    ]
