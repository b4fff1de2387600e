#!/usr/bin/env bash
# Runs every fuzz target for a while. usage: hack/fuzz.sh [time for each, e.g. 60s]
set -euo pipefail
cd "$(dirname "$0")/.."
grep -rlE --include='*_test.go' '^func Fuzz[A-Z0-9_]' internal api hack | xargs -r -n1 dirname | sort -u | while read -r folder; do
	grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$folder"/*_test.go | awk '{print $2}' | while read -r target; do
		echo "fuzzing $folder $target"
		go test "./$folder" -run '^$' -fuzz "^$target\$" -fuzztime "${1:-60s}"
	done
done
