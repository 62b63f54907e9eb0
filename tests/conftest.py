"""Settings of all tests."""

from hypothesis import HealthCheck, settings

# Examples take the time they need: on a busy machine a quick one may wait for longer than the
# 200 ms that are allowed by default.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
