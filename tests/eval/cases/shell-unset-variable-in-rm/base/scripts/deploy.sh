#!/bin/sh
# Copies a build to the server and restarts the service.

set -e

RELEASE=$1
TARGET=/srv/shop

if [ -z "$RELEASE" ]; then
    echo "usage: $0 RELEASE" >&2
    exit 2
fi

if [ -r /etc/shop/deploy.conf ]; then
    . /etc/shop/deploy.conf
fi

mkdir -p "$TARGET/releases/$RELEASE"
tar -xzf "build/$RELEASE.tar.gz" -C "$TARGET/releases/$RELEASE"
ln -sfn "$TARGET/releases/$RELEASE" "$TARGET/current"
systemctl restart shop.service
echo "$RELEASE is live"
