#!/bin/bash
# Runs a whole conversion with GNU parallel: run.sh SETTINGS [OPTION...]. The
# plan comes first, then the parts, then merge, then verify. Options are those
# of parallel, such as --jobs 4 or --sshlogin a,b,c. The same command again,
# after something has failed, does what is not done.
set -euo pipefail
if [ $# -lt 1 ]; then
	echo "usage: run.sh SETTINGS [OPTION...]" >&2
	exit 2
fi
settings=$(realpath "$1")
deploy=$(dirname "$(dirname "$(realpath "$0")")")
shift
# shellcheck source=../settings.sh
. "$settings"
mkdir -p "$REPORTS"

# spread runs a step once for each part. Its journal, REPORTS/STEP.joblog, tells
# which are done. It ends as storeconv does: with 3 when parts have told losses
# and nothing worse, with 1 when others have failed. parallel itself ends with
# the number of them, which may be any status.
spread() {
	local step=$1 failed=0 worst=0
	shift
	seq "$SHARDS" | parallel --quote --joblog "$REPORTS/$step.joblog" --resume-failed --tagstring "$step {}" --line-buffer "$@" \
		"$deploy/step.sh" "$settings" "$step" "{}/$SHARDS" || failed=$?
	[ "$failed" -ne 0 ] || return 0
	awk -F '\t' 'NR > 1 { last[$1] = $8 ? 1 : $7 }
		END { for (i in last) if (last[i] == 3) lossy = 3; else if (last[i] != 0) bad = 1; exit bad ? bad : lossy }' \
		"$REPORTS/$step.joblog" || worst=$?
	[ "$worst" -eq 3 ] || return 1
	return 3
}

"$deploy/step.sh" "$settings" plan
spread shard "$@"
status=0
"$deploy/step.sh" "$settings" merge || status=$?
# 3: something was lost, which is no reason not to look.
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || exit "$status"
rm -f "$REPORTS/verify.joblog"
verified=0
spread verify "$@" || verified=$?
[ "$verified" -eq 0 ] || status=$verified
exit "$status"
