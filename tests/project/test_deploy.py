"""What is deployed fits its schemas, and speaks of what is there."""

import contextlib
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

import httpx2
import kubernetes_validate
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot.cli.app import app
from bot.config.env_file import WITHHELD, Role
from bot.config.settings import Settings
from bot.runtime.tcp_ports import free_port
from bot.store import QUEUES, keys
from bot.telemetry.metrics import CATALOG

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy/kubernetes"
COMMANDS = {
    command.name or command.callback.__name__
    for command in app.registered_commands
    if command.callback
}


def documents(kind: str = "") -> list[dict[str, Any]]:
    found = [
        document
        for path in sorted(KUBERNETES.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]
    return [document for document in found if kind in ("", document["kind"])]


@pytest.mark.parametrize(
    "document",
    [d for d in documents() if "keda" not in d["apiVersion"] and d["kind"] != "Kustomization"],
    ids=lambda document: f"{document['kind']} {document['metadata']['name']}",
)
def test_each_manifest_fits_the_schema_of_kubernetes(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, "1.31", strict=True)


def test_the_kustomization_names_every_file_but_itself_and_the_optional_one() -> None:
    [kustomization] = documents("Kustomization")
    there = {path.name for path in KUBERNETES.glob("*.yaml")}
    assert set(kustomization["resources"]) == there - {"kustomization.yaml", "scaling.yaml"}


def test_every_queue_has_a_worker_and_each_command_exists() -> None:
    commands = [
        container["args"]
        for deployment in documents("Deployment")
        for container in deployment["spec"]["template"]["spec"]["containers"]
    ]
    assert {args[1] for args in commands} <= COMMANDS
    assert {args[3] for args in commands if args[1] == "work"} == set(QUEUES)


def test_scaling_looks_at_the_lists_that_hold_the_messages() -> None:
    for scaled in documents("ScaledObject"):
        [trigger] = scaled["spec"]["triggers"]
        queue = trigger["metadata"]["listName"].removeprefix(f"{keys.NAMESPACE}:")
        assert queue in QUEUES
        assert scaled["spec"]["scaleTargetRef"]["name"] == f"glossator-{queue}"


def test_each_variable_that_is_set_is_a_setting() -> None:
    [settings] = documents("ConfigMap")
    known = {name.upper() for name in Settings.model_fields} | {"REDIS_ADDRESS"}
    assert set(settings["data"]) - known == set()
    dockerfile = (ROOT / "Dockerfile").read_text()
    given = set(re.findall(r"^ {4}([A-Z_]+)=", dockerfile, re.MULTILINE))
    assert given - known - {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"} == set()


def test_every_process_runs_unprivileged_on_a_read_only_file_system() -> None:
    for deployment in documents("Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert not container["securityContext"]["allowPrivilegeEscalation"]


def test_compose_runs_every_process_with_known_commands() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    own_services = {name: service for name, service in services.items() if name != "redis"}
    assert {service["command"][1] for service in own_services.values()} <= COMMANDS
    queues = [s["command"][3] for s in own_services.values() if s["command"][1] == "work"]
    assert {name for listed in queues for name in listed.split(",")} == set(QUEUES)


def test_redis_has_a_password_and_a_network_of_its_own() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    redis = compose["services"]["redis"]
    assert redis["command"][-2:] == ["--requirepass", "${REDIS_PASSWORD}"]
    assert redis["networks"] == ["redis"]
    assert "ports" not in redis
    assert compose["networks"]["redis"]["internal"]
    for name in ("web", "events", "worker", "scheduler"):
        assert "${REDIS_PASSWORD:?" in compose["services"][name]["environment"]["REDIS_URL"]


def test_both_manifests_say_whose_word_on_the_clients_address_is_trusted() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert compose["x-environment"]["TRUSTED_PROXIES"]
    assert compose["services"]["web"]["ports"] == [
        "127.0.0.1:8000:8000",
        "127.0.0.1:9464:9464",
    ]
    [settings] = [one for one in documents("ConfigMap") if one["metadata"]["name"] == "glossator"]
    assert settings["data"]["TRUSTED_PROXIES"]


def test_only_prometheus_reaches_the_metrics_and_only_the_proxy_the_pages() -> None:
    [settings] = documents("ConfigMap")
    metrics_port = int(settings["data"]["METRICS_PORT"])
    [inbound] = [
        d for d in documents("NetworkPolicy") if d["metadata"]["name"] == "glossator-web-inbound"
    ]
    senders = {
        rule["ports"][0]["port"]: rule["from"][0]["namespaceSelector"]["matchLabels"]
        for rule in inbound["spec"]["ingress"]
    }
    assert senders.keys() == {8000, metrics_port}
    assert senders[8000] != senders[metrics_port]
    public, metrics = documents("Service")
    assert [port["targetPort"] for port in public["spec"]["ports"]] == ["http"]
    assert [port["targetPort"] for port in metrics["spec"]["ports"]] == ["metrics"]


def test_wherever_it_is_deployed_analyzers_run_isolated_or_not_at_all() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert compose["x-environment"]["REQUIRE_ISOLATION"] == "true"
    [settings] = documents("ConfigMap")
    assert settings["data"]["REQUIRE_ISOLATION"] == "true"
    assert "REQUIRE_ISOLATION=true" in (ROOT / "Dockerfile").read_text()


def test_only_the_web_server_is_asked_for_its_health() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    own_services = {name: service for name, service in services.items() if name != "redis"}
    commands_without_healthcheck = [
        s["command"][1] for s in own_services.values() if "healthcheck" not in s
    ]
    assert commands_without_healthcheck == ["web"]


def test_the_procfile_works_on_every_queue() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    commands = [line.partition(": ")[2].split() for line in lines]
    assert {command[1] for command in commands} <= COMMANDS
    worked = {q for c in commands if c[1] == "work" for q in c[3].split(",")}
    assert worked == set(QUEUES)


def test_the_dockerfile_passes_its_linter() -> None:
    hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def metric_names(text: str) -> set[str]:
    found = set(re.findall(r"\bglossator_[a-z_]+", text))
    return {name.removesuffix("_bucket") for name in found}


def test_dashboard_and_alerts_use_existing_metrics() -> None:
    dashboard = (ROOT / "deploy/grafana/glossator.json").read_text()
    assert len(json.loads(dashboard)["panels"]) >= 10
    alerts = (ROOT / "deploy/prometheus/alerts.yaml").read_text()
    assert metric_names(dashboard) - set(CATALOG) == set()
    assert metric_names(alerts) - set(CATALOG) == set()


def test_each_alert_has_its_place_in_the_runbook() -> None:
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text())["groups"][0][
        "rules"
    ]
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    assert [rule["alert"] for rule in rules] == headings


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is missing: apt-get install prometheus"
)
def test_each_alert_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    shutil.copy(ROOT / "deploy/prometheus/alerts.yaml", tmp_path)
    cases = Path(shutil.copy(Path(__file__).with_name("alerts.test.yaml"), tmp_path))
    done = subprocess.run(["promtool", "test", "rules", cases], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_secret_settings_win_over_public_ones() -> None:
    for deployment in documents("Deployment"):
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        first, *others = [next(iter(source)) for source in container["envFrom"]]
        assert (first, {*others}) == ("configMapRef", {"secretRef"})


ROLES = {"web": Role.WEB, "work": Role.WORKER, "schedule": Role.SCHEDULER}


def withheld(role: Role) -> set[str]:
    return {name.upper() for name in WITHHELD[role]}


def test_no_pod_gets_a_secret_that_it_has_no_use_for() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    lines = re.findall(r"^\$ secret ([a-z-]+) '([A-Z_|]+)'", page, re.MULTILINE)
    secrets = {name: {*variables.split("|")} for name, variables in lines}
    assert len(secrets) == 5
    for deployment in documents("Deployment"):
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        named = [one["secretRef"]["name"] for one in container["envFrom"] if "secretRef" in one]
        given = set[str]().union(*(secrets[name] for name in named))
        role = ROLES[container["args"][1]]
        assert not given & withheld(role), deployment["metadata"]["name"]
        assert "SECRET_KEY" in given
        needed = (
            {"GITHUB_WEBHOOK_SECRETS"}
            if role is Role.WEB
            else {"GITHUB_PRIVATE_KEY", "NOTIFY_URLS", "NOTIFY_SECRET"}
        )
        assert needed <= given


def test_compose_empties_what_a_process_has_no_use_for() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for name in ("web", "events", "worker", "scheduler"):
        environment = services[name]["environment"]
        emptied = {variable for variable, value in environment.items() if value == ""}
        assert emptied == withheld(ROLES[services[name]["command"][1]])
        assert environment["REQUIRE_ISOLATION"] == "true"


@pytest.mark.variations(2)
@pytest.mark.parametrize("command", [["web"], ["work", "--queues", "scan"], ["schedule"]])
def test_a_process_starts_with_the_secrets_of_its_role_alone(
    command: list[str], redis_url: str
) -> None:
    """What it is started with there gets it past its settings, and no less does."""
    role = ROLES[command[0]]
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    everything = {
        "GITHUB_APP_ID": "7",
        "GITHUB_PRIVATE_KEY": pem,
        "GITHUB_WEBHOOK_SECRETS": "s3cret",
        "SECRET_KEY": "k" * 32,
        "PORT": str(free_port()),
        "HEALTH_PORT": str(free_port()),
    }
    given = {k: v for k, v in everything.items() if k not in withheld(role)}
    health = f"http://127.0.0.1:{given['HEALTH_PORT']}/"
    if role is Role.WEB:
        health = f"http://127.0.0.1:{given['PORT']}/readyz"
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "REDIS_URL": redis_url}
    arguments = [sys.executable, "-P", "-m", "bot", *command]
    with subprocess.Popen(arguments, env={**environment, **given}) as process:
        try:
            assert answers(health, process)
        finally:
            process.terminate()
    needed = "GITHUB_WEBHOOK_SECRETS" if role is Role.WEB else "GITHUB_PRIVATE_KEY"
    del given[needed]
    done = subprocess.run(
        arguments, env={**environment, **given}, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, f"{needed} is not set" in done.stderr) == (2, True)


def answers(url: str, process: "subprocess.Popen[bytes]") -> bool:
    """True once the URL answers 200; False if the process ended before."""
    while process.poll() is None:
        with contextlib.suppress(httpx2.HTTPError):
            if httpx2.get(url, trust_env=False).status_code == 200:
                return True
        time.sleep(0.05)
    return False


def size(text: str) -> int:
    """Bytes of a quantity of Kubernetes or compose."""
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi|m|g)", text).groups()  # type: ignore[union-attr]
    return int(number) << {"M": 20, "m": 20, "G": 30, "g": 30}[unit[0]]


def test_every_process_has_bounds_and_is_asked_whether_it_lives() -> None:
    for deployment in documents("Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        [container] = pod["containers"]
        assert size(container["resources"]["limits"]["memory"])
        assert container["livenessProbe"]
        assert all(size(volume["emptyDir"]["sizeLimit"]) for volume in pod["volumes"])
    for service in yaml.safe_load((ROOT / "compose.yaml").read_text())["services"].values():
        assert size(service["mem_limit"])
        assert all("size=" in each for each in service.get("tmpfs", ()))


def test_the_disk_of_a_scan_pod_holds_all_clones_that_it_makes_at_once() -> None:
    [scan] = [d for d in documents("Deployment") if d["metadata"]["name"] == "glossator-scan"]
    pod = scan["spec"]["template"]["spec"]
    [container] = pod["containers"]
    [threads] = [int(v["value"]) for v in container["env"] if v["name"] == "WORKER_THREADS"]
    [tmp] = [volume for volume in pod["volumes"] if volume["name"] == "tmp"]
    clones = threads * Settings.model_fields["clone_mb"].default << 20
    assert clones < size(tmp["emptyDir"]["sizeLimit"])
    # The largest process that runs there, an analyzer, fits beside the worker.
    assert size(container["resources"]["limits"]["memory"]) > 2 << 30


def test_every_process_has_longer_to_stop_than_it_takes() -> None:
    takes = Settings.model_fields["shutdown_seconds"].default
    for deployment in documents("Deployment"):
        assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > takes
    for service in yaml.safe_load((ROOT / "compose.yaml").read_text())["services"].values():
        assert int(service.get("stop_grace_period", "999s").removesuffix("s")) > takes


def test_the_build_copies_nothing_that_is_left_out_of_it() -> None:
    skipped = (ROOT / ".dockerignore").read_text().split()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.M)
    assert not {name for line in copied for name in line.split()} & set(skipped)
    assert {".env", ".git", ".venv"} <= set(skipped)


def test_each_metric_is_explained_with_its_labels() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    assert re.findall(r"^\| `(glossator_\w+)`", page, re.MULTILINE) == list(CATALOG)
