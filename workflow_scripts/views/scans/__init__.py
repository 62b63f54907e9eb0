"""Scans as views: a simulated camera that walks, frames from files, and which of them to use."""
