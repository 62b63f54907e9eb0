"""Published annotations of scans: one file a data set, each a function from file to samples."""

from collections.abc import Callable, Iterator, Mapping

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.vqa.scans.annotations.annotation_file import AnnotationFile
from workflow_scripts.vqa.scans.annotations.multi3drefer import read_multi3drefer
from workflow_scripts.vqa.scans.annotations.processed import read_processed
from workflow_scripts.vqa.scans.annotations.scan2cap import read_scan2cap
from workflow_scripts.vqa.scans.annotations.scanqa import read_scanqa
from workflow_scripts.vqa.scans.annotations.scanrefer import read_scanrefer
from workflow_scripts.vqa.scans.annotations.sqa3d import read_sqa3d

#: Keys of `sources.scans.annotations` and the function that reads a file of the data set.
DATASETS: Mapping[str, Callable[[AnnotationFile], Iterator[ScanSample]]] = {
    "scanrefer": read_scanrefer,
    "multi3drefer": read_multi3drefer,
    "scan2cap": read_scan2cap,
    "scanqa": read_scanqa,
    "sqa3d": read_sqa3d,
    "processed": read_processed,
}
