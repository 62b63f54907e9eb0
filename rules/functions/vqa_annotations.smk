"""Input functions of the rules in vqa_annotations.smk."""


def annotated_sources():
    """Return the sources of scans with published annotations."""
    return [
        source
        for source in sources_with_scenes("scan")
        if config["sources"][source]["annotations"] is not None
    ]


def annotation_paths(wildcards):
    """Return the user's files of annotations of a source."""
    values = config["sources"][wildcards.source]["annotations"]
    return list(AnnotationsSettings.model_validate(values).all_paths())


def annotation_inputs(wildcards):
    """Return those that can be inputs; the digest in the rule's params decides what runs again."""
    return [ancient(path) for path in listed(annotation_paths(wildcards))]


def annotation_digest(wildcards):
    """Return a digest of the user's files: names, sizes and times."""
    return folder_digests(annotation_paths(wildcards))


def imported_samples(ending):
    """Return a file of the imported samples of every annotated source."""
    return [
        f"results/vqa/{source}/annotations.{ending}" for source in annotated_sources()
    ]


def predicted_boxes(wildcards):
    """Return the files of a detector's boxes for annotated scans, None without annotations."""
    annotations = config["sources"][wildcards.source]["annotations"]
    return None if annotations is None else annotations["predicted_boxes"]


def predicted_boxes_digest(wildcards):
    """Return a digest of these files: names, sizes and times; '' without any."""
    return folder_digests(predicted_boxes(wildcards) or [])


def scan_sample_settings(wildcards):
    """Return what is asked about scans, and where proposals come from, as JSON."""
    annotations = config["sources"][wildcards.source]["annotations"]
    values = {
        **config["vqa"]["scans"],
        "predicted_boxes": predicted_boxes(wildcards),
        "generated": annotations is None or annotations["generated"],
    }
    return section_json(values, ScanSampleSettings)
