"""3D keypoints from several calibrated views: what training and evaluation share."""
