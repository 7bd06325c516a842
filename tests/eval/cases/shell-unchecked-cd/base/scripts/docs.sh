#!/bin/bash
# Builds the documentation and packs it.

WORK=${WORK:-/var/tmp/docs-build}
OUT=$PWD/docs.tar.gz

log() {
    printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2
}

log "building in $PWD"
make -C docs html
tar -czf "$OUT" -C docs/_build html
log "wrote $OUT"
