"""Write the schema and the page of the configuration from its models: `make schema`."""

from pathlib import Path

from workflow_scripts.config.root import build_config_model
from workflow_scripts.config.schema import json_schema, reference_page
from workflow_scripts.experiments import EXPERIMENT_SETTINGS
from workflow_scripts.sources import settings_models

ROOT = Path(__file__).parents[1]


def generated() -> dict[Path, str]:
    """Return the text of every generated file by its path."""
    model = build_config_model(settings_models(), EXPERIMENT_SETTINGS)
    return {
        ROOT / "rules/schemas/config.schema.yaml": json_schema(model),
        ROOT / "docs/configuration.md": reference_page(model),
    }


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
