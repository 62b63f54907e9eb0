"""Write the generated files: schema and page of the configuration, columns and metrics of scores.

`make schema` runs it.
"""

from pathlib import Path

from benchmarks import results_page
from workflow_scripts import experiments, sources
from workflow_scripts.config.root import build_config_model
from workflow_scripts.config.schema import json_schema, reference_page

ROOT = Path(__file__).parents[1]


def generated() -> dict[Path, str]:
    """Return the text of every generated file by its path."""
    model = build_config_model(sources.settings_models(), experiments.settings_models())
    return {
        ROOT / "rules/schemas/config.schema.yaml": json_schema(model),
        ROOT / "docs/configuration.md": reference_page(model),
        results_page.PAGE: results_page.filled_page(),
    }


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
