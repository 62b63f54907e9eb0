"""Scores of 3D keypoints beside geometric baselines."""
