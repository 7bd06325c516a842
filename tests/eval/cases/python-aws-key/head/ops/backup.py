"""Copies the nightly dump of the database to object storage."""

import gzip
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import boto3

FOLDER = Path("/var/backups/shop")
KEEP = 14
BUCKET = "shop-backups"


def dump(database: str) -> Path:
    """A compressed dump of the database, named after this moment."""
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    plain = FOLDER / f"{database}-{at}.sql"
    with plain.open("wb") as target:
        subprocess.run(["/usr/bin/pg_dump", database], stdout=target, check=True)
    packed = plain.with_suffix(".sql.gz")
    with plain.open("rb") as source, gzip.open(packed, "wb") as target:
        shutil.copyfileobj(source, target)
    plain.unlink()
    return packed


def prune() -> None:
    for path in sorted(FOLDER.glob("*.sql.gz"))[:-KEEP]:
        path.unlink()


def upload(path: Path) -> None:
    client = boto3.client(
        "s3",
        region_name="eu-central-1",
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key=Path("/etc/shop/aws-secret").read_text().strip(),
    )
    client.upload_file(str(path), BUCKET, path.name)
