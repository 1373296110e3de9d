#!/bin/bash
# Submits a whole conversion to Slurm: submit.sh SETTINGS. The plan comes first,
# then an array with a task for each part, then merge, then an array that
# verifies. It prints the job of each. The same command again, after something
# has failed, does what is not done.
set -euo pipefail
if [ $# -ne 1 ]; then
	echo "usage: submit.sh SETTINGS" >&2
	exit 2
fi
settings=$(realpath "$1")
deploy=$(dirname "$(dirname "$(realpath "$0")")")
# shellcheck source=../settings.sh
. "$settings"
mkdir -p "$REPORTS"

# submit submits a step: its name, its own options of sbatch, --, its arguments.
submit() {
	local step=$1 own=() job
	shift
	while [ "$1" != -- ]; do
		own+=("$1")
		shift
	done
	shift
	job=$(sbatch --parsable --job-name="imsconv-$step" --kill-on-invalid-dep=yes "${SBATCH[@]}" "${own[@]}" \
		"$deploy/slurm/task.sh" "$deploy" "$settings" "$step" "$@")
	last=${job%%;*} # behind ; is the name of a cluster
	echo "$step $last"
}

array=--array=1-$SHARDS${AT_ONCE:+%$AT_ONCE}
after=()
if [ -n "$PLAN" ]; then
	submit plan --output="$REPORTS/%x-%j.log" --
	after=(--dependency="afterok:$last")
fi
submit shard "${after[@]}" "$array" --output="$REPORTS/%x-%a.log" -- auto
parts=$last
submit merge --dependency="afterok:$parts" --output="$REPORTS/%x-%j.log" --
# merge ends with 3 when something was lost, which is no reason not to look. A
# part that is missing is one: all of its users would be.
submit verify --dependency="afterok:$parts,afterany:$last" "$array" --output="$REPORTS/%x-%a.log" -- auto
