#!/bin/bash
# Stands in for storeconv in tests of deploy: runs the real one, $REAL, and
# stops it in the middle where it converts a part I for which the file
# $HOLD/want.I is there, once. It lets the conversion run for a few milliseconds
# at a time, and looks between: so it is in the middle for certain, with
# messages in the folder of its run, however fast the machine is. Then it writes
# the number of the process and these messages to $HOLD/held.I.

shard=
store=
for arg; do
	case $last in
	--shard) shard=$arg ;;
	--store) store=$arg ;;
	esac
	last=$arg
done
index=${shard%/*}
if [ "$shard" = auto ]; then
	index=$SLURM_ARRAY_TASK_ID
fi
if [ "$1" != restore ] || ! mv "$HOLD/want.$index" "$HOLD/taken.$index" 2>/dev/null; then
	exec "$REAL" "$@"
fi

"$REAL" "$@" &
pid=$!
trap 'kill -TERM $pid; kill -CONT $pid' TERM
until [ -n "$staged" ]; do
	kill -STOP $pid || break
	# Of the runs in a store, the one of this part.
	for command in "$store"/.imsconv/*/command; do
		if grep -q -e "--shard $shard\b" "$command" 2>/dev/null; then
			staged=$(find "$(dirname "$command")/stage" -name '*.msg')
		fi
	done
	if [ -z "$staged" ]; then
		kill -CONT $pid
		sleep 0.006
	fi
done
printf '%s\n' $pid "$staged" >"$HOLD/held.$index.part"
mv "$HOLD/held.$index.part" "$HOLD/held.$index"
wait $pid
status=$?
while kill -0 $pid 2>/dev/null; do
	wait $pid
	status=$?
done
exit $status
