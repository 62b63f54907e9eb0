"""3D keypoints from several views: lifters of 2D tracks and detectors on pictures."""
