#!/bin/sh
# Real programs that tests talk to.  Nothing of them is part of the project.
set -eu
cd "$(dirname "$0")"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    tshark gettext chromium fonts-noto-core default-jre-headless nodejs npm || {
    # Some machines bring their own node, whose npm clashes with Debian's.
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        tshark gettext chromium fonts-noto-core default-jre-headless
}
npm install --no-audit --no-fund --ignore-scripts --silent
