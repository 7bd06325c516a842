"""The Helm chart makes the objects of `deploy/kubernetes`, and more where it is asked for."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from bot import __version__
from bot.config.settings import Settings
from bot.store import QUEUES, keys

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/glossator"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())

#: Kinds of operators, for which Kubernetes has no schema.
FOREIGN = {"ScaledObject", "ServiceMonitor", "ExternalSecret"}

EVERYTHING = (
    "ingress.enabled=true",
    "autoscaling.kind=keda",
    "serviceMonitor.enabled=true",
    "externalSecrets.enabled=true",
    "image.digest=sha256:" + "0" * 64,
)

needs_helm = pytest.mark.skipif(
    shutil.which("helm") is None, reason="helm is missing: https://helm.sh/docs/intro/install/"
)


def rendered(values: Sequence[str] = ()) -> dict[tuple[str, str], dict[str, Any]]:
    """The chart's objects by kind and name."""
    options = [part for value in values for part in ("--set", value)]
    command = ["helm", "template", "glossator", str(CHART), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return by_name(yaml.safe_load_all(done.stdout))


def by_name(found: Any) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["kind"], one["metadata"]["name"]): one for one in found if one}


def kustomized() -> dict[tuple[str, str], dict[str, Any]]:
    paths = sorted((ROOT / "deploy/kubernetes").glob("*.yaml"))
    return by_name(
        one
        for path in paths
        if path.name not in ("kustomization.yaml", "scaling.yaml")
        for one in yaml.safe_load_all(path.read_text())
    )


def as_plain(one: dict[str, Any]) -> dict[str, Any]:
    """Without what only one of the two ways to deploy has: its image, and when it starts anew."""
    plain: dict[str, Any] = json.loads(json.dumps(one))
    if plain["kind"] == "Deployment":
        template = plain["spec"]["template"]
        template["metadata"].pop("annotations", None)
        [container] = template["spec"]["containers"]
        del container["image"]
        container.pop("imagePullPolicy", None)
    return plain


@needs_helm
def test_with_its_values_it_makes_the_same_objects() -> None:
    chart, manifests = rendered(), kustomized()
    assert chart.keys() == manifests.keys()
    for name, one in manifests.items():
        assert as_plain(chart[name]) == as_plain(one), name


@needs_helm
@pytest.mark.parametrize("values", [(), EVERYTHING, ("autoscaling.kind=hpa",)])
def test_each_object_fits_the_schema_of_kubernetes(values: Sequence[str]) -> None:
    for (kind, _), one in rendered(values).items():
        if kind not in FOREIGN:
            kubernetes_validate.validate(one, "1.31", strict=True)


@needs_helm
def test_the_ingress_leads_to_pages_and_never_to_metrics() -> None:
    found = rendered(EVERYTHING)
    [rule] = found["Ingress", "glossator"]["spec"]["rules"]
    [path] = rule["http"]["paths"]
    assert path["backend"]["service"] == {"name": "glossator", "port": {"name": "http"}}
    [port] = found["Service", "glossator"]["spec"]["ports"]
    assert port["targetPort"] == "http"
    monitored = found["ServiceMonitor", "glossator"]["spec"]["selector"]["matchLabels"]
    assert found["Service", "glossator-metrics"]["metadata"]["labels"] == monitored
    assert found["Service", "glossator"]["metadata"].get("labels") != monitored


@needs_helm
@pytest.mark.parametrize(
    ("kind", "scaled"), [("none", set()), ("hpa", {"scan"}), ("keda", {"scan", "analysis"})]
)
def test_replicas_are_left_to_what_scales_them(kind: str, scaled: set[str]) -> None:
    found = rendered([f"autoscaling.kind={kind}"])
    deployments = {name: one for (of, name), one in found.items() if of == "Deployment"}
    without = {name for name, one in deployments.items() if "replicas" not in one["spec"]}
    assert without == {f"glossator-{part}" for part in scaled}
    targets = {name for of, name in found if of in ("ScaledObject", "HorizontalPodAutoscaler")}
    assert targets == without
    for (of, _), one in found.items():
        if of == "ScaledObject":
            [trigger] = one["spec"]["triggers"]
            name = trigger["metadata"]["listName"]
            assert name.removeprefix(f"{keys.NAMESPACE}:") in QUEUES


@needs_helm
def test_web_can_stay_on_the_older_version_while_workers_are_upgraded() -> None:
    found = rendered(["image.tag=2.0.0", "parts.web.tag=1.0.0"])
    images = {
        name: one["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2]
        for (kind, name), one in found.items()
        if kind == "Deployment"
    }
    assert images.pop("glossator-web") == "1.0.0"
    assert set(images.values()) == {"2.0.0"}


@needs_helm
@pytest.mark.parametrize(
    "wrong", ["replicas=3", "settings.public_url=x", "parts.web.replicas=two", "image.digest=1"]
)
def test_a_value_that_does_not_exist_is_refused(wrong: str) -> None:
    command = ["helm", "template", "glossator", str(CHART), "--set", wrong]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0


def test_the_values_fit_their_schema() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(VALUES, schema)
    assert schema["properties"].keys() - {"global"} == VALUES.keys()


def test_the_chart_has_the_version_of_the_program_and_known_settings() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == __version__
    known = {name.upper() for name in Settings.model_fields} | {"REDIS_ADDRESS"}
    assert set(VALUES["settings"]) - known == set()


def test_each_value_is_used() -> None:
    templates = "\n".join(path.read_text() for path in (CHART / "templates").iterdir())
    assert [name for name in VALUES if not re.search(rf"\.Values\.{name}\b", templates)] == []
