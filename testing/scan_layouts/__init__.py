"""Writers of the layouts of scanning programs and data sets, for scans of `testing.posed_room`."""
