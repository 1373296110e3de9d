package flags

import (
	"errors"
	"fmt"
	"strconv"

	"imsconv/storeconv"
)

// The variables by which engines tell a task which one it is.
const (
	slurmTask  = "SLURM_ARRAY_TASK_ID"
	slurmMin   = "SLURM_ARRAY_TASK_MIN"
	slurmMax   = "SLURM_ARRAY_TASK_MAX"
	slurmCount = "SLURM_ARRAY_TASK_COUNT"
	slurmStep  = "SLURM_ARRAY_TASK_STEP"

	jobIndex       = "JOB_COMPLETION_INDEX"
	jobCompletions = "COMPLETIONS"
)

// engineShard is the part that an engine's variables name. env looks one up.
func engineShard(env func(string) (string, bool)) (storeconv.Shard, error) {
	_, slurm := env(slurmTask)
	_, kubernetes := env(jobIndex)
	switch {
	case slurm && kubernetes:
		return storeconv.Shard{}, fmt.Errorf("both %s and %s are set: unset one, or say --shard i/n", slurmTask, jobIndex)
	case slurm:
		return slurmShard(env)
	case kubernetes:
		return jobShard(env)
	}
	return storeconv.Shard{}, fmt.Errorf("neither %s (a job array of Slurm) nor %s (an indexed Job of Kubernetes) is set: say --shard i/n", slurmTask, jobIndex)
}

// slurmShard is the part of a task of a job array. The array must have no gap:
// a number that no task has would be users that nobody converts.
func slurmShard(env func(string) (string, bool)) (storeconv.Shard, error) {
	var n [4]int
	for i, name := range []string{slurmTask, slurmMin, slurmMax, slurmCount} {
		var err error
		if n[i], err = envNumber(env, name); err != nil {
			return storeconv.Shard{}, err
		}
	}
	task, low, high, count := n[0], n[1], n[2], n[3]
	step := 1
	if _, ok := env(slurmStep); ok {
		var err error
		if step, err = envNumber(env, slurmStep); err != nil {
			return storeconv.Shard{}, err
		}
	}
	switch parts := high - low + 1; {
	case low > high || task < low || task > high:
		return storeconv.Shard{}, fmt.Errorf("%s is %d, which is not from %s (%d) to %s (%d)", slurmTask, task, slurmMin, low, slurmMax, high)
	case count != parts || step > 1 && parts > 1:
		return storeconv.Shard{}, fmt.Errorf("the array has %d tasks from %d to %d, so there are gaps: a plain range such as --array=1-%d has none", count, low, high, max(count, 1))
	case parts == 1 && task > 1:
		return storeconv.Shard{}, fmt.Errorf("the array has the one task %d, as when a task of a larger one is given again: that would be all users; say --shard i/n", task)
	default:
		return storeconv.Shard{Index: (task - low + 1) % parts, Count: parts}, nil
	}
}

// jobShard is the part of a pod of an indexed Job.
func jobShard(env func(string) (string, bool)) (storeconv.Shard, error) {
	if _, ok := env(jobCompletions); !ok {
		return storeconv.Shard{}, fmt.Errorf("%s is set and %s is not: Kubernetes does not tell a pod how many there are, so the manifest has to set it to spec.completions", jobIndex, jobCompletions)
	}
	index, err := envNumber(env, jobIndex)
	if err != nil {
		return storeconv.Shard{}, err
	}
	parts, err := envNumber(env, jobCompletions)
	if err != nil {
		return storeconv.Shard{}, err
	}
	if index >= parts {
		return storeconv.Shard{}, fmt.Errorf("%s is %d, which is not below %s (%d)", jobIndex, index, jobCompletions, parts)
	}
	return storeconv.Shard{Index: (index + 1) % parts, Count: parts}, nil
}

// mostTasks bounds the numbers that engines may name.
const mostTasks = 1 << 30

// envNumber reads a variable that has to be a number from 0.
func envNumber(env func(string) (string, bool), name string) (int, error) {
	text, ok := env(name)
	if !ok {
		return 0, fmt.Errorf("%s is not set: set what the engine sets, or say --shard i/n", name)
	}
	n, err := strconv.ParseUint(text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && n > mostTasks:
		return 0, fmt.Errorf("%s is %q, a number too large", name, text)
	case err != nil:
		return 0, fmt.Errorf("%s is %q, which is no number from 0", name, text)
	}
	return int(n), nil
}
