#!/bin/bash
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@120
# A job, or a task of a job array: task.sh DEPLOY SETTINGS STEP [SHARD], where
# DEPLOY is the folder of step.sh; submit.sh submits it.
#
# Slurm runs it again where a node is lost or the job is requeued, and then the
# step goes on. It puts itself into the queue again when its time is nearly over
# (USR1), when it is preempted and Slurm leaves it some time to end (TERM while
# Slurm still calls it running), and, up to three times, when the step was
# killed, as for want of memory.

deploy=$1
shift
step=
late=
asked=
trap 'late=1; kill -TERM "$step" 2>/dev/null' USR1
trap 'asked=1; kill -TERM "$step" 2>/dev/null' TERM

# again puts the job into the queue again, for a reason.
again() {
	echo "task.sh: $1; the job goes into the queue again" >&2
	scontrol requeue "$SLURM_JOB_ID"
	sleep 60 # Slurm ends this run
}

# is_running tells whether Slurm has no verdict on the job yet. A job that is
# cancelled is not to rise again.
is_running() {
	[[ $(scontrol show job --oneliner "$SLURM_JOB_ID") == *" JobState=RUNNING "* ]]
}

"$deploy/step.sh" "$@" &
step=$!
wait "$step"
status=$?
while kill -0 "$step" 2>/dev/null; do
	# A trap has ended the wait, not the step.
	wait "$step"
	status=$?
done
if [ "$status" -eq 0 ]; then
	exit 0
elif [ -n "$late" ]; then
	again "out of time"
elif [ -n "$asked" ]; then
	! is_running || again "asked to end"
elif [ "$status" -eq 137 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 3 ]; then
	again "killed"
fi
exit "$status"
