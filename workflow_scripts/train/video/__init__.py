"""Training of video models on scans."""
