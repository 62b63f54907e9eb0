"""The embedded renderer: Embree rays, a path tracer in NumPy, Open Image Denoise."""
