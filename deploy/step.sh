#!/bin/bash
# One step of a conversion that is spread over many tasks; an engine runs it.
#
#   step.sh SETTINGS plan              write the plan of the parts
#   step.sh SETTINGS shard I/N|auto    convert part I of N
#   step.sh SETTINGS merge             join the parts and what they tell
#   step.sh SETTINGS verify [I/N|auto] hold the result against the source
#
# Each may be run again after whatever has happened to it: it goes on, or finds
# its work done. It ends as storeconv does, but for 3 (done, with losses) of
# plan and shard, which is 0 here: an engine would run them again and nothing
# would change. The losses stand in the reports, and merge ends with 3.
set -euo pipefail

usage() {
	sed -n 's/^#   \(step\.sh\)/usage: \1/p' "$0" >&2
	exit 2
}

# run runs a program to its end. A signal to this script is passed on, and the
# program has the time that it needs.
child=
trap 'test -z "$child" || kill -TERM "$child" 2>/dev/null || true' TERM INT
run() {
	local status=0
	"$@" &
	child=$!
	wait "$child" || status=$?
	while kill -0 "$child" 2>/dev/null; do
		# The trap has ended the wait, not the program.
		status=0
		wait "$child" || status=$?
	done
	child=
	return "$status"
}

# lossy is run for a program whose losses are told later.
lossy() {
	local status=0
	run "$@" || status=$?
	test "$status" -ne 3 || status=0
	return "$status"
}

# part_of prints the number of a part, with as many digits as the last one has:
# I of I/N, or what --shard auto takes from Slurm.
part_of() {
	local index=${1%/*}
	if [ "$1" = auto ]; then
		index=$((${SLURM_ARRAY_TASK_ID:?no task of a Slurm job array} - ${SLURM_ARRAY_TASK_MIN:?} + 1))
		count=$((${SLURM_ARRAY_TASK_MAX:?} - SLURM_ARRAY_TASK_MIN + 1))
	elif [[ ! $1 =~ ^[0-9]+/[0-9]+$ ]]; then
		echo "step.sh: $1 is no part: I/N or auto" >&2
		exit 2
	else
		# Numbers may have zeros in front; 0 of N is N of N, as storeconv has it.
		count=$((10#${1#*/}))
		index=$((10#$index))
		[ "$index" -ne 0 ] || index=$count
	fi
	if [ "$count" != "$SHARDS" ]; then
		echo "step.sh: $count parts where $settings has SHARDS=$SHARDS" >&2
		exit 2
	fi
	printf '%0*d' "${#SHARDS}" "$index"
}

plan() {
	[ -n "$PLAN" ] || return 0
	if [ -e "$PLAN/plan.json" ]; then
		echo "step.sh: $PLAN has a plan" >&2
		return 0
	fi
	lossy "$STORECONV" plan-shards --links "$LINKS" --shards "$SHARDS" --out "$PLAN" "${NAMES[@]}" "${PLANNING[@]}" "$SOURCE"
}

# convert converts part $1, number $2, into folder $3.
convert() {
	local from=(-f "$SOURCE") to=(--store "$3")
	case $VERB in
	restore) ;;
	relocate) from=(--from "$SOURCE") ;;
	export)
		to=(--out "$3")
		[ ! -d "$SOURCE" ] || from=(--store "$SOURCE")
		;;
	*)
		echo "step.sh: VERB=$VERB is none of restore, relocate, export" >&2
		exit 2
		;;
	esac
	lossy "$STORECONV" "$VERB" "${from[@]}" "${to[@]}" --shard "$1" ${PLAN:+--plan "$PLAN"} \
		--report "$REPORTS/shard$2.json" "${NAMES[@]}" "${OPTIONS[@]}"
}

shard() {
	local number
	number=$(part_of "$1")
	mkdir -p "$REPORTS"
	if [ -z "$PARTS" ] || [ "$VERB" = export ]; then
		convert "$1" "$number" "$STORE"
	elif [ -z "$LOCAL" ]; then
		mkdir -p "$PARTS"
		convert "$1" "$number" "$PARTS/$number"
	else
		mkdir -p "$PARTS" "$LOCAL"
		local here
		here=$LOCAL/$(conversion)-part$number
		if [ ! -e "$PARTS/$number" ]; then
			convert "$1" "$number" "$here"
			bring "$here" "$PARTS/$number"
		fi
		run rm -rf "$here"
	fi
}

# conversion stands for what is converted and how it is shared out. A part that
# another conversion has left in LOCAL is not to be gone on with: its users would
# be among those of this one.
conversion() {
	{
		printf '%s\n' "$VERB" "$(realpath "$SOURCE")" "$SHARDS" "$(realpath "$PARTS")"
		[ -z "$PLAN" ] || cat "$PLAN/plan.json"
	} | cksum | cut -d ' ' -f 1
}

# bring copies a finished part to where merge finds it: whole, or not at all.
bring() {
	local incoming
	# What a task that was stopped while it copied has left.
	run rm -rf "$PARTS/.$(basename "$2")".??????
	incoming=$(mktemp -d "$PARTS/.$(basename "$2").XXXXXX")
	run cp -a "$1/." "$incoming"
	run sync -f "$incoming"
	mv -T "$incoming" "$2"
	run sync "$PARTS" # the local part is removed next
}

merge() {
	local parts=()
	if [ "$VERB" = export ]; then
		exported
		return
	fi
	[ -z "$PARTS" ] || parts=("$PARTS"/[0-9]*)
	run "$STORECONV" merge --store "$STORE" --report "$REPORTS/whole.json" "${MERGE[@]}" "${parts[@]}"
}

# exported says how the parts of an export ended, which need no joining.
exported() {
	local number lossy=0
	for number in $(seq -w "$SHARDS"); do
		case $(sed -n 's/^  "exit": \([0-9]*\),$/\1/p' "$REPORTS/shard$number.json") in
		0) ;;
		3) echo "step.sh: part $number has losses: $REPORTS/shard$number.json" >&2 && lossy=3 ;;
		*) echo "step.sh: part $number is not done" >&2 && return 1 ;;
		esac
	done
	return "$lossy"
}

verify() {
	local which=(--store "$STORE" -f "$SOURCE") number=
	case $VERB in
	relocate) which=(--store "$STORE" --from "$SOURCE") ;;
	export)
		which=(--maildir "$STORE" -f "$SOURCE")
		[ ! -d "$SOURCE" ] || which=(--maildir "$STORE" --store "$SOURCE")
		;;
	esac
	if [ $# -gt 0 ]; then
		number=$(part_of "$1")
		which+=(--shard "$1" ${PLAN:+--plan "$PLAN"})
	fi
	run "$STORECONV" verify "${which[@]}" --report "$REPORTS/verify$number.json" "${NAMES[@]}" "${VERIFY[@]}"
}

[ $# -ge 2 ] || usage
settings=$1
step=$2
shift 2
NAMES=() # settings of earlier releases have none
# shellcheck source=settings.sh
. "$settings"
case $step,$# in
plan,0 | merge,0 | verify,0 | shard,1 | verify,1) "$step" "$@" ;;
*) usage ;;
esac
