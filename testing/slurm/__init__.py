"""A real SLURM cluster of four nodes on this machine."""
