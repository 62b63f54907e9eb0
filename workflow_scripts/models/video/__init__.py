"""Video models of scans: vision-language models that know where in the scan each token lies."""
