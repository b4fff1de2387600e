#!/usr/bin/env bash
# Runs every fuzz target for a while, two at a time, and prints a line for each. What breaks one is kept by go test in the package's
# testdata/fuzz: commit it together with the fix. usage: hack/fuzz.sh [time for each, e.g. 60s] [pattern of targets]
set -euo pipefail
cd "$(dirname "$0")/.."
export FUZZTIME=${1:-60s}

targets() { # prints folder and name of each
	grep -rE --include='*_test.go' '^func Fuzz[A-Z0-9_]' api cmd hack internal test |
		sed -E 's|^(.*)/[^/]*:func (Fuzz[A-Za-z0-9_]*).*|\1 \2|' | grep -E "${1:-}" | sort -u
}

# Where a worker is late when the time is over, go test fails with the deadline of its own context and has found nothing:
# go.dev/issue/75804 is one of many reports. Whatever it finds is written into testdata and said.
only_late() { # log
	grep -qE '^ +context deadline exceeded$' "$1" && ! grep -qE 'Failing input written|panic:|hung or terminated' "$1"
}

fuzz() { # folder, name
	local log rate
	log=$(mktemp)
	trap 'rm -f "$log"' RETURN
	if ! go test "./$1" -run '^$' -fuzz "^$2\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 5s -parallel 1 >"$log" 2>&1 && ! only_late "$log"; then
		printf 'FAIL %s %s\n' "$1" "$2"
		sed 's/^/     /' "$log"
		return 1
	fi
	rate=$(grep -oE 'execs: [0-9]+' "$log" | tail -1 || true)
	printf 'ok   %s %s, %s\n' "$1" "$2" "${rate:-no execs}"
}
export -f fuzz only_late

all=$(targets "${2:-}") || { echo "error: no fuzz target matches ${2:-}" >&2; exit 1; }
if ! xargs -P 2 -L 1 bash -c 'fuzz "$@"' fuzz <<<"$all"; then
	echo "error: fuzz targets failed, see FAIL above" >&2
	exit 1
fi
