#!/usr/bin/env bash
# Backs up the home folders.

set -euo pipefail

TARGET=${1:?"usage: $0 TARGET [OPTION...]"}

rsync --archive --delete /home/ "$TARGET"
date --utc +%FT%TZ >"$TARGET/.last-backup"
