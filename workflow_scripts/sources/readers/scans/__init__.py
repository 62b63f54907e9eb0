"""Readers of posed RGB-D scans, one file a layout; `base.py` says what each returns."""
