#!/usr/bin/env bash
# Install the system libraries that the Python packages link to, or say exactly what to install.
set -euo pipefail
packages="libusb-1.0-0 libgomp1 libgl1 libegl1 libgl1-mesa-dri g++"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
elif command -v apt-get >/dev/null; then
  echo "error: system libraries are missing. Run: sudo apt-get install $packages" >&2
  exit 1
else
  echo "error: system libraries are missing: install libusb 1.0, libgomp, libGL, libEGL and a C++ compiler" >&2
  exit 1
fi
