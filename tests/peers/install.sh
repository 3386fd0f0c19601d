#!/bin/sh
# Real programs that tests talk to.  Nothing of them is part of the project.
set -eu
cd "$(dirname "$0")"
packages="gettext chromium fonts-noto-core tshark xmlsec1 osmo-bsc kannel gammu-smsd libnet-smpp-perl"
command -v java >/dev/null || packages="$packages default-jre-headless"
command -v npm >/dev/null || packages="$packages nodejs npm"
apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
npm install --no-audit --no-fund --no-package-lock --ignore-scripts --silent
