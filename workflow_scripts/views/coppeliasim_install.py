"""Check the installation of CoppeliaSim, PyRep and RLBench before the simulator is started.

RLBench and PyRep are on no package index; `pyrep` on PyPI is another project with the same
import name and another licence.
"""

import importlib.util
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from workflow_scripts.common.errors import UserError
from workflow_scripts.views.renderer import EngineError

PYREP = "pyrep @ git+https://github.com/stepjam/PyRep.git@8f420be8064b1970aae18a9cfbc978dfb15747ef"
RLBENCH = (
    "rlbench @ git+https://github.com/stepjam/RLBench.git@02720bba4c73fe02eb75df946b8791b806028a9d"
)
ENVIRONMENT_VARIABLES = ("COPPELIASIM_ROOT", "LD_LIBRARY_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH")
_INSTALL_HINT = (
    "Unpack CoppeliaSim 4.1.0 (Edu, Linux), set COPPELIASIM_ROOT to its folder, LD_LIBRARY_PATH "
    "and QT_QPA_PLATFORM_PLUGIN_PATH to the same, and build envs/coppeliasim.yaml with them set. "
    "Or choose sources.rlbench.backend: mujoco, which needs none of this"
)


def check_installation(environment: Mapping[str, str]) -> None:
    """Raise `UserError` for the first problem that keeps CoppeliaSim from running."""
    check_packages()
    if not sys.platform.startswith("linux"):
        raise EngineError(f"PyRep runs on Linux only, not on {sys.platform}. {_INSTALL_HINT}")
    for name in ENVIRONMENT_VARIABLES:
        if not environment.get(name):
            raise EngineError(f"the environment variable {name} is not set. {_INSTALL_HINT}")
    root = Path(environment["COPPELIASIM_ROOT"])
    if not root.is_dir():
        raise EngineError(f"COPPELIASIM_ROOT is {root}, which is not a folder. {_INSTALL_HINT}")
    for name in ENVIRONMENT_VARIABLES[1:]:
        if str(root) not in environment[name].split(":"):
            raise EngineError(
                f"{name} does not hold {root}, the value of COPPELIASIM_ROOT. {_INSTALL_HINT}"
            )
    if not environment.get("DISPLAY"):
        raise EngineError(
            "DISPLAY is not set: CoppeliaSim 4.1 needs an X display with GLX even without windows. "
            "Run under one in software: xvfb-run -a -s '-screen 0 1280x1024x24' snakemake ..."
        )


def check_packages() -> None:
    """Raise `UserError` unless the packages are the robot simulator's PyRep and RLBench."""
    folders = _package_folders("pyrep")
    if not folders:
        raise UserError(f"PyRep is not installed: pip install '{PYREP}'. {_INSTALL_HINT}")
    # Looked up as files: importing an unknown package would run it.
    if not any((folder / "const.py").is_file() for folder in folders):
        raise UserError(
            f"the installed package 'pyrep' {_version('pyrep')} is the one from PyPI, which "
            "stores Python objects and has nothing to do with CoppeliaSim. Remove it "
            f"(pip uninstall pyrep) and install the robot simulator's: pip install '{PYREP}'"
        )
    if not _package_folders("rlbench"):
        raise UserError(f"RLBench is not installed: pip install '{RLBENCH}'. {_INSTALL_HINT}")


def _package_folders(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    return [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "of unknown version"
