"""What tests and benchmarks share: scenes, stand-ins of services, working copies of the project.

Nothing here imports `tests` or `benchmarks`, and `benchmarks` imports nothing of `tests`.
"""
