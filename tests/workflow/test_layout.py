"""What a reader relies on: one word per stage, rules of one form, hardware in one place."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from benchmarks.run import BENCHMARKS, module_of
from workflow_scripts.experiments import EXPERIMENT_KINDS

ROOT = Path(__file__).parents[2]
STAGES = (
    "scenes",
    "views",
    "depth",
    "captions",
    "pointclouds",
    "vqa",
    "train",
    "evaluate",
)
# The rules of cluster.smk answer questions and make no file.
RULE_FILES = sorted(path for path in (ROOT / "rules").glob("*.smk") if path.stem != "cluster")
PROFILE = ROOT / "profiles/slurm/config.yaml"


def rules_of(path: Path) -> dict[str, str]:
    """Return the text of each rule in a rule file."""
    parts = re.split(r"^rule (\w+):$", path.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def modules_of(rule: str) -> list[str]:
    """Return the modules whose fingerprint a rule has among its params."""
    return re.findall(r'code_of\(\s*"([\w.]+)"', rule)


def tracked(*patterns: str) -> list[Path]:
    """Return the files that git tracks."""
    listed = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split() if (ROOT / name).is_file()]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_one_word_everywhere(stage: str) -> None:
    assert (ROOT / f"rules/{stage}.smk").is_file()
    assert (ROOT / f"workflow_scripts/{stage}/__init__.py").is_file()
    assert list((ROOT / f"tests/{stage}").glob("test_*.py"))
    assert stage in rules_of(ROOT / "Snakefile")


def test_the_snakefile_includes_the_stages_in_order() -> None:
    included = re.findall(r'^include: "rules/(\w+)\.smk"', (ROOT / "Snakefile").read_text(), re.M)
    assert included == ["common", *STAGES, "cluster"]


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
def test_every_rule_has_the_same_sections(path: Path) -> None:
    for name, text in rules_of(path).items():
        wanted = ["output", "log", "conda", "threads", "resources", "message", "shell"]
        wanted += [] if "localrule" in text else ["benchmark"]
        missing = [word for word in wanted if not re.search(rf"^    {word}:", text, re.M)]
        assert not missing, f"rule {name} lacks {missing}"
        for resource in ("mem_mb", "runtime", *(("nodes",) if "gpu=" in text else ())):
            assert f"{resource}=" in text, f"rule {name} does not say {resource}"
        assert re.search(r"^        code=", text, re.M), f"rule {name}: changed code runs nothing"


def test_rules_name_the_module_whose_code_they_depend_on() -> None:
    for path in RULE_FILES:
        for name, text in rules_of(path).items():
            for module in modules_of(text):
                assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), name
                assert re.search(rf"-m {re.escape(module)}\b", text), name


def test_logs_and_benchmarks_have_one_scheme() -> None:
    for path in RULE_FILES:
        for name, text in rules_of(path).items():
            # vqa_audit.smk has rules of stage vqa.
            place = f"{path.stem.partition('_')[0]}/{name}"
            (log,) = re.findall(r"^    log:\n +\"([^\"]+)\"", text, re.M)
            assert re.fullmatch(rf"logs/{place}(/.+)?\.log", log), f"rule {name}: {log}"
            for benchmark in re.findall(r"^    benchmark:\n +\"([^\"]+)\"", text, re.M):
                assert benchmark == f"results/benchmarks/{log[5:-4]}.tsv", f"rule {name}"


def test_every_benchmark_has_its_module() -> None:
    for name in BENCHMARKS:
        assert (ROOT / f"{module_of(name).replace('.', '/')}.py").is_file(), name


def test_only_the_profile_names_hardware() -> None:
    card = re.compile(r"\b(l40s?|a6000|a100|h[12]00)\b", re.IGNORECASE)
    value = re.compile(r"""slurm_(?:partition|account)["']?\s*[:=]\s*["']?[\w&*]""")
    allowed = (
        "profiles/",
        "README.md",
        "README.cluster.md",
        "docs/cluster.md",
        "tests/",
        "testing/",
        "CHANGELOG.md",
    )
    for path in tracked():
        name = str(path.relative_to(ROOT))
        if name.startswith(allowed) or path.suffix in (".png", ".jpg", ".svg"):
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        found = card.search(text) or value.search(text)
        assert not found, f"{name} names {found}"


def training_rules() -> set[str]:
    """Return the names of the rules that train experiments: a loop over the registry makes them."""
    kinds = EXPERIMENT_KINDS.values()
    return {rule.name for kind in kinds if kind.training for rule in kind.training.rules}


def answering_rules() -> set[str]:
    """Return the names of the rules whose jobs load a model to answer, as registered."""
    predictors = [one for kind in EXPERIMENT_KINDS.values() for one in kind.predictors]
    return {predictor.rule for predictor in predictors if predictor.limits is None}


def test_every_gpu_rule_has_a_line_in_the_profile() -> None:
    text = PROFILE.read_text()
    # The lines of the optional renderer are there to be uncommented.
    profile = yaml.safe_load(re.sub(r"# (render_\w+:)", r"\1", text))
    wanted = {
        name
        for path in RULE_FILES
        for name, rule in rules_of(path).items()
        if re.search(r"\bgpu=", rule)
    }
    wanted |= training_rules() | answering_rules()
    mapped = profile["set-resources"]
    assert set(mapped) == wanted
    for name, line in mapped.items():
        assert line["gpu_model"] in ("l40s", "a6000"), name
        assert {"gpu", "nodes", "runtime", "mem_mb", "slurm_partition"} <= set(line), name
    trainings = [line for name, line in mapped.items() if name.startswith("train_")]
    assert all(line["gpu"] >= 2 and line["cluster"] == "slurm" for line in trainings)
    assert all(line["slurm_account"] for line in trainings)
    known = wanted | {name for path in RULE_FILES for name in rules_of(path)}
    assert set(profile["set-threads"]) <= known


def test_what_waits_for_a_training_does_not_go_to_a_node_itself() -> None:
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    launchers = {name for name, line in profile["set-resources"].items() if "cluster" in line}
    text = (ROOT / "rules/train.smk").read_text()
    rules = re.split(r"^ *rule ?(?=\w*:\n)", text, flags=re.M)[1:]
    assert all("localrule: True" in rule for rule in rules)
    declared = {rule.partition(":")[0] for rule in rules} - {""}
    assert launchers == declared | training_rules()


def test_the_profile_says_why() -> None:
    for line in PROFILE.read_text().splitlines():
        if re.match(r"[a-z]", line) and line not in ("executor: slurm", "default-resources:"):
            assert "#" in line or line == "set-resources:", line


def test_there_is_no_silent_default_profile() -> None:
    assert sorted(path.name for path in (ROOT / "profiles").iterdir()) == ["slurm"]


def test_files_answer_one_question() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked("*.py", "*.smk", "Snakefile")
        if (lines := len(path.read_text().splitlines())) > 400
    }
    assert not long


def test_the_project_names_no_machine_and_no_secret() -> None:
    forbidden = re.compile(r"/(?:home|root|work|Users)/\w|sk-[A-Za-z0-9]{20}")
    for path in tracked():
        if path.suffix in (".png", ".jpg", ".svg") or path == Path(__file__):
            continue
        found = forbidden.search(path.read_text(encoding="utf-8", errors="ignore"))
        assert not found, f"{path.relative_to(ROOT)}: {found}"


def test_no_rule_writes_what_it_reads() -> None:
    """A stage adds files and changes none; that no two rules write one file Snakemake checks."""
    section = r"^    {}:\n((?: {{8}}.*\n|\n)*)"
    for path in RULE_FILES:
        for name, text in rules_of(path).items():
            paths = []
            for word in ("input", "output"):
                block = re.search(section.format(word), text, re.MULTILINE)
                paths.append(set(re.findall(r'"(results/[^"]+)"', block[1] if block else "")))
            assert not paths[0] & paths[1], name


def test_every_file_that_names_the_licence_names_the_same() -> None:
    assert (ROOT / "LICENSE").read_text().lstrip().startswith("Apache License")
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text()
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["license"] == "Apache-2.0"
