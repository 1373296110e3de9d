package flags

import (
	"strings"
	"testing"
)

// TestEngineShard has what engines set, and what they may be made to set.
func TestEngineShard(t *testing.T) {
	slurm := func(task, low, high, count string) map[string]string {
		return map[string]string{slurmTask: task, slurmMin: low, slurmMax: high, slurmCount: count}
	}
	with := func(env map[string]string, name, value string) map[string]string {
		env[name] = value
		return env
	}
	without := func(env map[string]string, name string) map[string]string {
		delete(env, name)
		return env
	}
	for _, tt := range []struct {
		name   string
		env    map[string]string
		number int // of the part, 0: refused
		count  int
		says   string
	}{
		{"array 0-3, first", slurm("0", "0", "3", "4"), 1, 4, ""},
		{"array 0-3, last", slurm("3", "0", "3", "4"), 4, 4, ""},
		{"array 1-4, first", slurm("1", "1", "4", "4"), 1, 4, ""},
		{"array 1-4, last", slurm("4", "1", "4", "4"), 4, 4, ""},
		{"array 5-8, second", slurm("6", "5", "8", "4"), 2, 4, ""},
		{"array of one", slurm("1", "1", "1", "1"), 1, 1, ""},
		{"array of one, from 0", slurm("0", "0", "0", "1"), 1, 1, ""},
		{"one task of an array again", slurm("7", "7", "7", "1"), 0, 0, "the one task 7"},
		{"step of one said", with(slurm("2", "1", "4", "4"), slurmStep, "1"), 2, 4, ""},
		{"array 0-6:2", slurm("2", "0", "6", "4"), 0, 0, "gaps"},
		{"array 0-6:2, step said", with(slurm("2", "0", "6", "7"), slurmStep, "2"), 0, 0, "gaps"},
		{"array 1,3", slurm("3", "1", "3", "2"), 0, 0, "--array=1-2"},
		{"task below", slurm("0", "1", "4", "4"), 0, 0, "not from"},
		{"task above", slurm("5", "1", "4", "4"), 0, 0, "not from"},
		{"turned round", slurm("2", "4", "1", "4"), 0, 0, "not from"},
		{"no count", without(slurm("1", "1", "4", ""), slurmCount), 0, 0, slurmCount + " is not set"},
		{"no least", without(slurm("1", "", "4", "4"), slurmMin), 0, 0, slurmMin + " is not set"},
		{"count of nothing", slurm("1", "1", "4", ""), 0, 0, slurmCount},
		{"no number", slurm("one", "1", "4", "4"), 0, 0, slurmTask},
		{"below nought", slurm("-1", "-1", "4", "6"), 0, 0, "no number from 0"},
		{"overflow", slurm("1", "1", "99999999999999999999", "4"), 0, 0, "too large"},
		{"overflow of int", slurm("1", "1", "9223372036854775807", "4"), 0, 0, "too large"},
		{"step is no number", with(slurm("1", "1", "4", "4"), slurmStep, "x"), 0, 0, slurmStep},
		{"pod 0 of 3", map[string]string{jobIndex: "0", jobCompletions: "3"}, 1, 3, ""},
		{"pod 2 of 3", map[string]string{jobIndex: "2", jobCompletions: "3"}, 3, 3, ""},
		{"pod 0 of 1", map[string]string{jobIndex: "0", jobCompletions: "1"}, 1, 1, ""},
		{"pod of nobody knows", map[string]string{jobIndex: "0"}, 0, 0, "spec.completions"},
		{"pod 3 of 3", map[string]string{jobIndex: "3", jobCompletions: "3"}, 0, 0, "not below"},
		{"pod of none", map[string]string{jobIndex: "0", jobCompletions: "0"}, 0, 0, "not below"},
		{"pod without a number", map[string]string{jobIndex: "", jobCompletions: "3"}, 0, 0, jobIndex},
		{"pods overflow", map[string]string{jobIndex: "1", jobCompletions: "18446744073709551616"}, 0, 0, "too large"},
		{"both", with(slurm("1", "1", "4", "4"), jobIndex, "0"), 0, 0, "both"},
		{"neither", map[string]string{jobCompletions: "3"}, 0, 0, "say --shard i/n"},
	} {
		shard, err := engineShard(func(name string) (string, bool) {
			value, ok := tt.env[name]
			return value, ok
		})
		if tt.says != "" {
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: part %d of %d, %v", tt.name, shard.Number(), shard.Count, err)
			}
			continue
		}
		if err != nil || shard.Number() != tt.number || shard.Count != tt.count {
			t.Errorf("%s: part %d of %d, %v", tt.name, shard.Number(), shard.Count, err)
		}
	}
}
